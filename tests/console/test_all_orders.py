"""All orders: newest first, filtered, by keyset, refreshed in place."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.frame import ALERTS
from orders.models import Order
from tests.console.people import World
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

LIST = "/orders/"
ROW = re.compile(r'<tr id="row-([^"]+)"')


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def placed(minutes: float, state: str = "created", **fields: object) -> Order:
    at = timezone.now() - timedelta(minutes=minutes)
    return make_order(state, since=at, placed_at=at, **fields)


def page(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"{LIST}{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def codes(html: str) -> list[str]:
    return ROW.findall(html)


def follow(html: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', html)
    assert found
    return found[1].replace("&amp;", "&").removeprefix(LIST)


def test_newest_stand_first_by_keyset_both_ways(sari: Client) -> None:
    made = [placed(minute).public_id for minute in range(103)]
    first = page(sari, "?service=taxi")
    assert codes(first) == made[:50]
    assert "50 of 103" in first
    second = page(sari, follow(first, "next"))
    assert codes(second) == made[50:100]
    third = page(sari, follow(second, "next"))
    assert codes(third) == made[100:]
    assert 'rel="next"' not in third
    assert codes(page(sari, follow(third, "prev"))) == made[50:100]
    back = page(sari, follow(page(sari, follow(third, "prev")), "prev"))
    assert codes(back) == made[:50]
    assert 'rel="prev"' not in back


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abc"),
        ("?state=paid&state=active", "ab"),
        ("?service=rent", "b"),
        ("?gateway=xendit", "a"),
        ("?method=card", "b"),
        ("?city=Bali", "a"),
        ("?channel=web&city=Bali", ""),
        ("?channel=web", "c"),
        ("?origin=import", "c"),
        ("?from=2026-01-02", "bc"),
        ("?to=2026-01-02", "ab"),
        ("?from=2026-01-02&to=2026-01-02", "b"),
        ("?from=2026-13-40", "abc"),
        ("?q=%2B6281200000001", "a"),
        ("?q=nobody", ""),
    ],
)
def test_filters_stand_for_themselves_and_days_are_those_of_business(sari: Client, query: str, expected: str) -> None:
    made = {
        "a": make_order(
            "paid", placed_at=datetime(2026, 1, 1, 16, 59, tzinfo=UTC), city="Bali", customer_phone="+6281200000001"
        ),
        "b": make_order("active", placed_at=datetime(2026, 1, 1, 17, 0, tzinfo=UTC), service="rent", method="card"),
        "c": make_order(placed_at=datetime(2026, 1, 2, 17, 0, tzinfo=UTC), channel="web", origin="import"),
    }
    Order.objects.filter(pk=made["a"].pk).update(owning_attempt=make_attempt(made["a"], "paid", gateway="xendit"))
    found = codes(page(sari, query))
    assert {name for name, order in made.items() if order.public_id in found} == set(expected)


def test_a_refresh_keeps_the_rows_and_counts_what_is_newer(sari: Client) -> None:
    orders = [placed(minute) for minute in range(3)]
    html = page(sari)
    found = re.search(r'id="orders-list" data-live hx-get="([^"]+)"', html)
    assert found
    Order.objects.filter(pk=orders[1].pk).update(city="Bali")
    placed(-1)
    again = page(sari, found[1].replace("&amp;", "&").removeprefix(LIST), HX_Request="true")
    assert codes(again) == [order.public_id for order in orders]
    assert "Taxi · Bali" in again
    assert re.search(r'id="orders-count"[^>]*><a class="badge"[^>]*>\s*1 new', again)


def test_empty_lists(sari: Client) -> None:
    assert "No orders yet" in page(sari)
    placed(1)
    html = page(sari, "?city=Bali&from=2026-01-01")
    assert "No order matches</h2><p>City: Bali · 2026-01-01 – …</p>" in html


def test_a_page_costs_a_fixed_number_of_queries(
    sari: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kept, ALERTS.sources[:] = list(ALERTS.sources), []
    for minute in range(60):
        placed(minute)
    page(sari)
    # Session, person, rights; the read's transaction (2) and its bounds; the rows, their number, values to choose.
    with django_assert_num_queries(9):
        page(sari)
    ALERTS.sources[:] = kept


@pytest.mark.parametrize("query", ["?after=x", "?before=--", "?pins=..a.99999999999999999999", "?top=1", "?peek=%00"])
def test_nonsense_in_the_address_is_no_error(sari: Client, query: str) -> None:
    order = placed(1)
    assert codes(page(sari, query)) == [order.public_id]
