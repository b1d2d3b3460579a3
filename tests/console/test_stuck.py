"""The stuck list as pages: rows, tabs, filters, places, refresh, and what it says when there is nothing."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from opsconsole.console.frame import ALERTS
from orders.models import Diagnosis, Order, StuckSample
from orders.states import OrderVerb
from orders.transitions import move
from tests.console.people import World
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = pytest.mark.django_db

LIST = "/orders/stuck/"
ROW = re.compile(r'<tr id="row-([^"]+)"')
# Session, person, rights, own views; the read's transaction (2) and its bounds; limits, names, the board with
# the rows, their details and last changes, the course of the day (2); who an order may be given to, and the
# incidents to which one may be pinned.
QUERIES = 16


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def page(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"{LIST}{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def codes(html: str) -> list[str]:
    return ROW.findall(html)


def fresh_address(html: str) -> str:
    found = re.search(r'id="stuck-list" data-live hx-get="([^"]+)"', html)
    assert found
    return found[1].replace("&amp;", "&").removeprefix(LIST)


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


@pytest.fixture
def _no_alerts() -> Iterator[None]:
    """The frame's alerts ask the database too, and are counted by their own tests."""
    kept, ALERTS.sources[:] = list(ALERTS.sources), []
    yield
    ALERTS.sources[:] = kept


@transaction.atomic
def free(order: Order) -> None:
    move(order, OrderVerb.CANCEL, actor="user:dewi")


def test_oldest_stands_first_with_priority_state_money_and_owner(sari: Client, people: World) -> None:
    younger = make_order("paid", since=ago(hours=1), city="Bandung", amount=20_500)
    older = make_order("paid", since=ago(hours=9), service="rent", amount=2_099_000, owner=people.users["dewi"])
    make_order("paid", since=ago(minutes=1))

    html = page(sari)

    assert codes(html) == [older.public_id, younger.public_id]
    for text in ("Rp\u00a02.099.000", "Rp\u00a020.500", "Taxi · Bandung", "Dewi Anggraini", 'data-sev="1"', "9h 00m"):
        assert text in html
    assert "<title>(2) Stuck orders · opsconsole</title>" in re.sub(r"\s+", " ", html).replace("> (", ">(")


def test_cause_and_next_step_stand_beside_the_row_while_they_are_of_this_version(sari: Client) -> None:
    known, moved = make_order("paid", since=ago(hours=1)), make_order("paid", since=ago(hours=2))
    for order, version in ((known, known.version), (moved, moved.version - 1)):
        Diagnosis.objects.create(
            order=order,
            cause="booking_never_started",
            confidence=95,
            next_step="retry_booking",
            order_version=version,
        )
    html = page(sari)
    assert html.count("Booking never started <small>→ Retry booking</small>") == 1
    assert 'title="Paid, not booked">Paid, not booked</td>' in html


def test_tabs_count_what_they_list(sari: Client, people: World) -> None:
    make_order(since=ago(hours=1))
    make_order("paid", since=ago(hours=1), owner=people.users["sari"])
    refunded = make_order("cancelled", since=ago(hours=2))
    make_refund(make_attempt(refunded, "paid"), "failed", since=ago(hours=2))
    make_posting(make_order("completed", since=ago(hours=2)), "due", since=ago(hours=2))
    counts = dict(re.findall(r">([^<>]+) <span>(\d+)</span></a>", page(sari)))
    assert counts == {
        "My shift": "1",
        "All stuck": "4",
        "Paid and stuck": "3",
        "Refunds": "1",
        "Not at HO": "1",
        "Unowned": "3",
    }
    for view, label in (("mine", "My shift"), ("paid", "Paid and stuck"), ("refunds", "Refunds")):
        html = page(sari, f"?view={view}")
        assert len(codes(html)) == int(counts[label])
        assert re.search(rf'aria-current="page">{label} ', html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=order.paid", {"a", "b"}),
        ("?state=paid&machine=order", {"a", "b"}),
        ("?state=order.paid&state=order.created", {"a", "b", "c"}),
        ("?service=rent", {"b"}),
        ("?city=Bali&city=Medan", {"b", "c"}),
        ("?city=-", {"d"}),
        ("?method=card", {"b"}),
        ("?gateway=midtrans", {"b"}),
        ("?gateway=-", {"a", "c", "d"}),
        ("?cause=link_never_made", {"c"}),
        ("?cause=-", {"a", "b", "d"}),
        ("?channel=web", {"d"}),
        ("?age=4h", {"a", "d"}),
        ("?owner=me", {"a"}),
        ("?owner=-", {"c", "d"}),
        ("?q=C-77", {"b"}),
        ("?held=1", {"a", "b", "c", "d", "held"}),
        ("?service=taxi&city=Jakarta&state=order.paid&owner=me", {"a"}),
        ("?view=paid&city=Jakarta", {"a"}),
        ("?view=mine&owner=-", set()),
        ("?service=boat", set()),
        ("?q=%00%25", set()),
    ],
)
def test_every_filter_stands_for_itself_in_the_address(
    sari: Client, people: World, query: str, expected: set[str]
) -> None:
    made = {
        "a": make_order("paid", since=ago(hours=9), city="Jakarta", owner=people.users["sari"]),
        "b": make_order(
            "paid",
            since=ago(hours=1),
            service="rent",
            city="Bali",
            method="card",
            customer_id="C-77",
            owner=people.users["dewi"],
        ),
        "c": make_order(since=ago(hours=1), city="Medan"),
        "d": make_order("active", since=ago(hours=7), channel="web"),
        "held": make_order("paid", since=ago(hours=1), city="Solo", held_until=timezone.now() + timedelta(hours=1)),
    }
    Order.objects.filter(pk=made["b"].pk).update(owning_attempt=make_attempt(made["b"], "paid"))
    Diagnosis.objects.create(
        order=made["c"], cause="link_never_made", confidence=95, next_step="make_link", order_version=1
    )
    assert {name for name, order in made.items() if order.public_id in codes(page(sari, query))} == expected


def test_a_chip_names_what_is_on_and_what_each_value_would_give(sari: Client) -> None:
    make_order("paid", since=ago(hours=1), city="Jakarta", service="taxi")
    make_order("paid", since=ago(hours=1), city="Bali", service="taxi")
    make_order("paid", since=ago(hours=1), city="Bali", service="rent")
    html = page(sari, "?city=Bali&service=taxi&values=1")
    assert re.search(r"<summary>City <b>Bali</b>", html)
    assert re.search(r'value="Jakarta">Jakarta<small>1</small>', html)
    assert re.search(r'value="Bali" checked>Bali<small>1</small>', html)
    assert re.search(r'value="rent">Rent<small>1</small>', html)
    assert f'href="{LIST}">Clear</a>' in html


def test_the_values_of_the_filters_come_when_the_reader_reaches_for_one(sari: Client) -> None:
    make_order("paid", since=ago(hours=1), city="Jakarta")
    make_order("paid", since=ago(hours=1), city="Bali")
    html = page(sari, "?city=Bali&owner=-")
    assert re.search(r"<summary>City <b>Bali</b>", html)
    assert 'value="Bali" checked>Bali</label>' in html, "what is chosen stays, without a count that nobody made"
    assert 'value="Jakarta"' not in html
    assert f'href="{LIST}?city=Bali&amp;owner=-&amp;values=1">Show what there is</a>' in html
    values = page(sari, "?city=Bali&owner=-&values=1", **{"HX-Request": "true"})
    assert 'id="values-city" aria-label="City" hx-swap-oob="morph"' in values
    assert 'value="Jakarta">Jakarta<small>1</small>' in values
    assert ROW.search(values) is None


def test_clear_keeps_the_tab(sari: Client) -> None:
    make_order("paid", since=ago(hours=1), city="Bali")
    assert f'href="{LIST}?view=paid">Clear</a>' in page(sari, "?view=paid&city=Bali")


def test_figures_are_of_everything_whatever_the_filter(sari: Client) -> None:
    make_order("paid", since=ago(hours=30), city="Bali", amount=100_000)
    make_order("paid", since=ago(hours=1), city="Medan", amount=20_000)
    make_order("paid", since=ago(hours=1), city="Medan", amount=61_62, currency="BRL")
    now = timezone.now()
    StuckSample.objects.create(at=now - timedelta(minutes=61), count=1, paid_count=4, paid_money={"IDR": 130_000})
    StuckSample.objects.create(at=now - timedelta(minutes=1), count=1, paid_count=1, recovered=10, recovered_by_hand=1)
    html = page(sari, "?city=Medan")
    figures = re.findall(r'<dd class="figure">([^<]+)', html)
    assert figures[:4] == ["3", "3", "Rp\u00a0120.000", "1d 06h"]
    notes = [re.sub(r"<[^>]+>|&nbsp;|\s+", " ", note).split() for note in re.findall(r'"note">(.*?)</dd>', html)]
    assert notes[0] == ["+2", "vs", "1", "h", "ago"]
    assert notes[1] == ["−1", "vs", "1", "h", "ago"]
    assert "<b>−Rp\u00a010.000</b> + BRL\u00a061,62" in html
    assert html.count('class="spark"') == 5
    assert "2 of 2" in html


def test_pages_go_on_and_back_by_place(sari: Client) -> None:
    made = [make_order("paid", since=ago(hours=100, minutes=-number)).public_id for number in range(103)]

    first = page(sari, "?service=taxi")
    assert codes(first) == made[:50]
    assert "50 of 103" in first
    assert 'rel="prev"' not in first
    second = page(sari, follow(first, "next"))
    assert codes(second) == made[50:100]
    third = page(sari, follow(second, "next"))
    assert codes(third) == made[100:]
    assert 'rel="next"' not in third
    back = page(sari, follow(third, "prev"))
    assert codes(back) == made[50:100]
    assert codes(page(sari, follow(back, "prev"))) == made[:50]
    assert codes(page(sari, follow(back, "next"))) == made[100:]


def follow(html: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', html)
    assert found
    return found[1].replace("&amp;", "&").removeprefix(LIST)


@pytest.mark.parametrize("query", ["?after=nonsense", "?before=9-", "?pins=1~~x", "?pins=~~", "?saved=99", "?age=9y"])
def test_nonsense_in_the_address_is_no_error(sari: Client, query: str) -> None:
    order = make_order("paid", since=ago(hours=1))
    assert codes(page(sari, query)) == [order.public_id]


def test_a_refresh_moves_no_row_leaves_freed_ones_and_counts_what_is_new(sari: Client) -> None:
    orders = [make_order("paid", since=ago(hours=hours)) for hours in (5, 4, 3)]
    address = fresh_address(page(sari))
    free(orders[0])
    new = make_order("paid", since=ago(minutes=11))
    Order.objects.filter(pk=new.pk).update(entered_at=timezone.now() - timedelta(minutes=10))

    html = page(sari, address, HX_Request="true")

    assert codes(html) == [order.public_id for order in orders]
    freed, *others = re.split("<tr id=", html)[1:]
    assert "Recovered" in freed
    assert "checkbox" not in freed
    assert all("checkbox" in other for other in others)
    assert re.search(r'id="stuck-count"[^>]*hx-swap-oob="true"><a class="badge"[^>]*>\s*1 new\s*</a>', html)
    assert "<title>(3) Stuck orders" in html
    assert 'id="stuck-top"' in html

    assert codes(page(sari)) == [order.public_id for order in [*orders[1:], new]]


def test_a_refresh_without_news_is_204(sari: Client) -> None:
    make_order("paid", since=ago(hours=5))
    address = fresh_address(page(sari))
    first = sari.get(f"{LIST}{address}", headers={"HX-Request": "true"})
    again = sari.get(f"{LIST}{address}", headers={"HX-Request": "true", "If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code) == (200, 204)


def test_three_empty_lists_say_three_things(sari: Client, settings: Settings) -> None:
    StuckSample.objects.create(at=ago(minutes=5), count=0, paid_count=0, recovered=1)
    assert re.search(r"No stuck orders</h2><p>The last one recovered at <time", page(sari))

    make_order("paid", since=ago(hours=5), city="Bali")
    nothing = page(sari, "?city=Medan&q=zzz")
    assert "No stuck order matches</h2><p>“zzz” · City: Medan</p>" in nothing
    assert f'href="{LIST}">Clear</a>' in nothing
    elsewhere = page(sari, "?view=refunds")
    assert "Nothing in this view" in elsewhere
    assert "1 hang elsewhere" in elsewhere

    settings.SCREEN_TIMEOUT = timedelta(milliseconds=1)
    lost = page(sari)
    assert "Cannot know what hangs" in lost
    assert "The database did not answer in time" in lost
    assert not codes(lost)
    assert "kpis" not in lost


def test_who_may_do_nothing_gets_no_boxes_and_no_bar(people: World) -> None:
    make_order("paid", since=ago(hours=5))
    html = page(people.client("agus"))
    assert 'name="order"' not in html
    assert 'class="bulk"' not in html
    assert "Export CSV" in html
    assert "Export CSV" not in page(people.client("dewi"))


def test_the_panel_has_its_own_address_and_closing_leads_back(sari: Client) -> None:
    order = make_order("paid", since=ago(hours=5), city="Bali")
    html = page(sari, f"?city=Bali&peek={order.public_id}")
    assert f'hx-get="/orders/{order.public_id}/peek/?back=%2Forders%2Fstuck%2F%3Fcity%3DBali" hx-trigger="load"' in html
    assert f'<tr id="row-{order.public_id}" data-row aria-current="true"' in html
    assert f'hx-push-url="{LIST}?city=Bali&amp;peek={order.public_id}"' in html


@pytest.mark.usefixtures("_no_alerts")
@pytest.mark.parametrize("query", ["", "?city=Bali&q=MRG&owner=me&view=paid"])
def test_a_page_costs_a_fixed_number_of_queries(
    sari: Client, django_assert_num_queries: DjangoAssertNumQueries, query: str
) -> None:
    for _each in range(3):
        make_order("paid", since=ago(hours=5), city="Bali")
    sari.get(LIST)
    with django_assert_num_queries(QUERIES if not query else QUERIES - 2):
        sari.get(f"{LIST}{query}")
    for _each in range(30):
        make_order("paid", since=ago(hours=5), city="Bali")
    with django_assert_num_queries(QUERIES if not query else QUERIES - 2):
        sari.get(f"{LIST}{query}")


@pytest.mark.usefixtures("_no_alerts")
def test_a_refresh_costs_less(sari: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    orders = [make_order("paid", since=ago(hours=5)) for _each in range(3)]
    address = fresh_address(page(sari))
    free(orders[0])
    with django_assert_num_queries(QUERIES - 1):  # the freed order; neither colleagues nor incidents
        sari.get(f"{LIST}{address}", headers={"HX-Request": "true", "X-Poll": "1"})
