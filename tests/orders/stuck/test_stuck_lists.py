"""Pages, filters, totals and counts of the stuck list."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.models import Diagnosis, Order
from orders.queries.places import Place
from orders.queries.stuck import (
    StuckFilter,
    View,
    all_stuck,
    stuck_counts,
    stuck_page,
    stuck_totals,
)
from tests.orders.making import make_attempt, make_order, make_posting, make_refund, walk

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def ids(wanted: StuckFilter) -> set[int]:
    return {row.order_id for row in stuck_page(wanted).rows}


def test_pages_give_every_order_once_oldest_first() -> None:
    together = ago(hours=2)
    orders = [make_order(state, since=together) for state in ("created", "paid", "booking", "paid")]
    orders += [make_order("paid", since=ago(hours=1)), make_order("active", since=ago(days=9))]
    seen: list[int] = []
    place: Place | None = None
    for _page in range(3):
        page = stuck_page(after=place, limit=2)
        seen += [row.order_id for row in page.rows]
        place = Place.parse(str(page.after)) if page.after else None
    assert place is None
    oldest_first = sorted(orders, key=lambda order: (order.entered_at, order.pk))
    assert seen == [order.pk for order in oldest_first]
    assert [row.order_id for rows in all_stuck(batch=2) for row in rows] == seen


@pytest.mark.parametrize("nonsense", ["", "x", "1-", "-1", "12-ab", "9" * 30 + "-1", "1-" + "9" * 30, "²-1"])
def test_a_place_that_is_none_is_no_place(nonsense: str) -> None:
    assert Place.parse(nonsense) is None


def test_a_page_is_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _number in range(3):
        make_attempt(make_order("paid", since=ago(hours=1)), "paid")
    with django_assert_num_queries(2):
        assert len(stuck_page().rows) == 3


CASES: list[tuple[str, dict[str, Any], StuckFilter]] = [
    ("state", {"state": "booking"}, StuckFilter(states=("booking",))),
    ("service", {"service": "shuttle"}, StuckFilter(services=("shuttle", "rent"))),
    ("method", {"method": "gopay"}, StuckFilter(methods=("gopay",))),
    ("city", {"city": "Medan"}, StuckFilter(cities=("Medan",))),
    ("channel", {"channel": "corporate"}, StuckFilter(channels=("corporate",))),
    ("text, order", {"public_id": "T-100%_x"}, StuckFilter(text="100%_X")),
    ("text, phone", {"customer_phone": "+62811999"}, StuckFilter(text="811999")),
    ("text, name", {"customer_name": "Siti Aminah"}, StuckFilter(text="amin")),
    ("age", {"since": ago(days=3)}, StuckFilter(min_age=timedelta(days=2))),
]


@pytest.mark.parametrize(("_case", "fields", "wanted"), CASES)
def test_a_filter_keeps_what_fits(_case: str, fields: dict[str, Any], wanted: StuckFilter) -> None:
    make_order("paid", since=ago(hours=9))
    facts = {"since": ago(hours=9), **fields}
    fitting = make_order(facts.pop("state", "paid"), **facts)
    assert ids(wanted) == {fitting.pk}
    assert stuck_totals(wanted).count == 1


def test_orders_are_found_by_gateway_reference_cause_and_owner() -> None:
    others, mine = make_order("paid", since=ago(hours=1)), make_order("paid", since=ago(hours=1))
    me = get_user_model().objects.create(username="wati")
    attempt = make_attempt(mine, "paid", gateway="xendit", gateway_reference="inv-77")
    Order.objects.filter(pk=mine.pk).update(owner=me, owning_attempt=attempt)
    Diagnosis.objects.create(order=mine, cause="x", confidence=1, next_step="wait", order_version=mine.version)
    for wanted in (
        StuckFilter(gateways=("xendit",)),
        StuckFilter(causes=("x",)),
        StuckFilter(owner=me.pk),
        StuckFilter(text="INV-77"),
    ):
        assert ids(wanted) == {mine.pk}
    assert ids(StuckFilter(unowned=True)) == {others.pk}
    row = next(row for row in stuck_page().rows if row.order_id == mine.pk)
    assert (row.owner, row.gateway, row.cause, row.next_step) == ("wati", "xendit", "x", "wait")


def test_filters_together_narrow() -> None:
    make_order("paid", since=ago(hours=1), city="Bali")
    assert ids(StuckFilter(cities=("Bali",), states=("booking",))) == set()
    assert ids(StuckFilter(machines=("refund",))) == set()
    assert ids(StuckFilter(machines=())) != set()


def test_held_orders_stay_out_until_their_hold_ends() -> None:
    held = make_order("paid", since=ago(hours=1), held_until=timezone.now() + timedelta(hours=1))
    over = make_order("paid", since=ago(hours=1), held_until=ago(minutes=1))
    assert ids(StuckFilter()) == {over.pk}
    assert ids(StuckFilter(held="only")) == {held.pk}
    assert ids(StuckFilter(held="include")) == {held.pk, over.pk}


def test_totals_say_how_many_how_much_and_since_when() -> None:
    oldest = make_order("created", since=ago(days=2), amount=5)
    make_order("paid", since=ago(hours=1), amount=7)
    make_order("paid", since=ago(hours=1), amount=11, currency="BRL")
    totals = stuck_totals()
    assert (totals.count, totals.money) == (3, {"IDR": 12, "BRL": 11})
    assert totals.oldest == oldest.entered_at
    assert (totals.paid_count, totals.paid_money) == (2, {"IDR": 7, "BRL": 11})


def test_totals_of_nothing_are_nothing() -> None:
    totals = stuck_totals()
    assert (totals.count, totals.money, totals.oldest, totals.paid_count) == (0, {}, None, 0)


def test_every_saved_view_counts_what_it_lists() -> None:
    me = get_user_model().objects.create(username="wati")
    make_order("created", since=ago(hours=1), owner=me)
    make_order("paid", since=ago(hours=1))
    refunding = make_order("failed", since=ago(hours=1))
    make_refund(make_attempt(refunding, "paid"), "failed", since=ago(hours=1))
    make_posting(make_order("completed", since=ago(hours=1)), "due", since=ago(hours=1))
    counts = stuck_counts(user_id=me.pk)
    assert counts == {
        View.ALL: 4,
        View.PAID: 3,
        View.REFUNDS: 1,
        View.NOT_AT_HO: 1,
        View.UNOWNED: 3,
        View.MINE: 1,
    }
    for view, count in counts.items():
        assert len(ids(view.filter(user_id=me.pk))) == count


def test_a_past_instant_is_put_together_from_the_history() -> None:
    order = make_order("paid", since=ago(days=3))
    make_order("created", since=ago(days=1))
    Order.objects.filter(pk=order.pk).update(amount=9)
    with_more = Order.objects.get(pk=order.pk)
    walk(with_more, "booking", at=ago(days=2))
    walk(with_more, "cancelled", at=ago(hours=12))
    then = [(row.order_id, row.state, row.since) for row in stuck_page(as_of=ago(days=2.5)).rows]
    assert then == [(order.pk, "paid", order.entered_at)]
    (later,) = stuck_page(as_of=ago(days=1.5)).rows
    assert (later.state, later.order_state, later.age.days) == ("booking", "booking", 0)
    assert stuck_page(as_of=ago(days=4)).rows == []
    assert stuck_totals(as_of=ago(days=1.5)).count == 1
    assert [row.state for row in stuck_page().rows] == ["created"]


def test_refunds_and_entries_of_the_past_are_told_too() -> None:
    order = make_order("failed", since=ago(days=3))
    refund = make_refund(make_attempt(order, "paid", since=ago(days=3)), "unknown", since=ago(days=3))
    walk(refund, "succeeded", at=ago(days=1))
    (row,) = stuck_page(as_of=ago(days=2)).rows
    assert (row.machine, row.state, row.subject_id) == ("refund", "unknown", refund.pk)
    assert stuck_page().rows == []
