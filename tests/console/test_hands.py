"""The queue of sagas that need a person: what is in it, how it is filtered and counted, who may take it home."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.frame import ALERTS
from orders.models import Order, Saga, StuckLimit
from orders.queries.hands import Wanted, all_hands, hands_page
from tests.console.hands import hand
from tests.console.people import World
from tests.orders.making import make_order, make_saga

pytestmark = pytest.mark.django_db

LIST = "/orders/needs-hand/"
ROW = re.compile(r'<tr id="row-([^"]+)"')


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def page(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"{LIST}{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def codes(html: str) -> list[str]:
    return [code.rsplit("-", 1)[0] for code in ROW.findall(html)]


def test_what_gave_up_and_what_undoes_too_long_is_there_and_nothing_else(sari: Client) -> None:
    waits = hand(3)
    overdue = hand(6, state="compensating")
    hand(4, state="compensating")
    for state in ("running", "succeeded", "compensated"):
        make_saga(make_order("booking"), state, since=timezone.now() - timedelta(hours=9))
    html = page(sari)
    assert codes(html) == [overdue.order.public_id, waits.order.public_id]
    assert ("Undoing takes too long" in html, "Undo refused" in html) == (True, True)


def test_how_long_undoing_may_take_is_the_limit_that_people_set(sari: Client) -> None:
    saga = hand(6, state="compensating")
    StuckLimit.objects.create(subject="saga", state="compensating", service="taxi", seconds=600)
    assert codes(page(sari)) == []
    StuckLimit.objects.update(seconds=300)
    assert codes(page(sari)) == [saga.order.public_id]


def test_oldest_stand_first_by_keyset_both_ways() -> None:
    made = [hand(200 - minute).order.public_id for minute in range(7)]
    first = hands_page(Wanted(kinds=("booking",)), limit=3)
    second = hands_page(Wanted(), after=first.next, limit=3)
    third = hands_page(Wanted(), after=second.next, limit=3)
    assert [row.public_id for each in (first, second, third) for row in each.rows] == made
    assert (first.previous, third.next) == (None, None)
    back = hands_page(Wanted(), before=third.previous, limit=3)
    assert back.rows == second.rows
    assert hands_page(Wanted(), before=back.previous, limit=3).previous is None
    assert [row.public_id for row in all_hands(Wanted(), batch=2)] == made


def test_the_pages_of_the_list_lead_on_and_back(sari: Client) -> None:
    made = [hand(200 - minute).order.public_id for minute in range(52)]
    first = page(sari, "?kind=booking")
    assert (codes(first), "50 of 52" in first, 'rel="prev"' in first) == (made[:50], True, False)
    second = page(sari, _follow(first, "next"))
    assert (codes(second), 'rel="next"' in second) == (made[50:], False)
    assert codes(page(sari, _follow(second, "prev"))) == made[:50]


def _follow(html: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', html)
    assert found
    return found[1].replace("&amp;", "&").removeprefix(LIST)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcd"),
        ("?kind=checkout", "d"),
        ("?cause=undo_refused", "ad"),
        ("?cause=undo_refused&cause=overdue", "acd"),
        ("?partner=delivery", "b"),
        ("?partner=tpg&cause=undo_unanswered", ""),
        ("?owner=me", "a"),
        ("?owner=-", "bcd"),
        ("?owner=nonsense", ""),
        ("?kind=nonsense", ""),
    ],
)
def test_filters_stand_in_the_address(people: World, sari: Client, query: str, expected: str) -> None:
    made = {
        "a": hand(40, owner=people.users["sari"]),
        "b": hand(30, cause="undo_unanswered", partner="delivery"),
        "c": hand(20, state="compensating"),
        "d": hand(10, kind="checkout"),
    }
    found = codes(page(sari, query))
    assert "".join(name for name, saga in made.items() if saga.order.public_id in found) == expected


def test_figures_and_counts_are_exact(sari: Client) -> None:
    hand(50, paid=150_000)
    hand(40, paid=90_000, partner="delivery", cause="undo_unanswered")
    hand(30)
    html = page(sari)
    figures = re.findall(r'<dd class="figure">([^<]*)', html)
    assert figures == ["3", "Rp\u00a0240.000", figures[2], "3"]
    assert re.findall(r'name="partner" value="(\w+)">[^<]*<small>(\d+)', html) == [("delivery", "1"), ("tpg", "2")]
    assert re.findall(r'name="cause" value="(\w+)">[^<]*<small>(\d+)', html) == [
        ("undo_refused", "2"),
        ("undo_unanswered", "1"),
    ]
    narrowed = page(sari, "?partner=tpg")
    assert re.findall(r'<dd class="figure">([^<]*)', narrowed)[:2] == ["2", "Rp\u00a0150.000"]
    assert re.findall(r'name="partner" value="(\w+)"[^>]*>[^<]*<small>(\d+)', narrowed) == [
        ("delivery", "1"),
        ("tpg", "2"),
    ]


def test_the_row_says_where_it_stopped_and_leads_to_that_saga(sari: Client) -> None:
    saga = hand()
    make_saga(saga.order, "compensated", kind="checkout")
    row = hands_page(Wanted()).rows[0]
    assert (row.partner, row.said, row.number) == ("tpg", "409 too late", 1)
    html = page(sari)
    assert f'href="/orders/{saga.order.public_id}/sagas/1/"' in html
    assert "409 too late" in html


def test_a_page_costs_a_fixed_number_of_queries(
    sari: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kept, ALERTS.sources[:] = list(ALERTS.sources), []
    for count in (1, 7):
        for minute in range(count):
            hand(minute + 1)
        page(sari)
        # Session, person, rights; the read's transaction (2), its bounds; limits twice, rows, counts, people.
        with django_assert_num_queries(11):
            page(sari)
    ALERTS.sources[:] = kept


def test_empty_lists(sari: Client) -> None:
    assert "Nothing needs a hand" in page(sari)
    hand()
    assert "No saga matches</h2><p>Kind: Checkout</p>" in page(sari, "?kind=checkout")


@pytest.mark.parametrize("query", ["?after=x", "?before=--", "?after=99999999999999999999-1", "?owner=%00"])
def test_nonsense_in_the_address_is_no_error(sari: Client, query: str) -> None:
    saga = hand()
    assert codes(page(sari, query)) == [saga.order.public_id]


def test_the_export_has_every_row_and_no_formula(sari: Client, people: World) -> None:
    first = hand(20, paid=150_000)
    hand(10)
    Order.objects.filter(pk=first.order_id).update(city="=1+1")
    answer = sari.get(f"{LIST}export.csv?cause=undo_refused")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[arg-type]
    assert [row["order_id"] for row in rows] == [first.order.public_id, Saga.objects.latest("pk").order.public_id]
    assert (rows[0]["amount_idr"], rows[0]["city"], rows[0]["partner"]) == ("150000", "'=1+1", "tpg")
    assert people.client("dewi").get(f"{LIST}export.csv").status_code == 403
