"""What else than the order's own state can hang, and that an order appears once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from orders.models import Attempt, LedgerEntry, Order
from orders.queries.stuck import StuckFilter, StuckRow, stuck_order, stuck_page, stuck_totals
from orders.queries.stuck.around import stuck_among
from tests.orders.making import (
    make_attempt,
    make_dispatch,
    make_order,
    make_posting,
    make_refund,
    make_saga,
    make_step,
    walk,
)

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def charge(order: Order, amount: int, *, attempt: Attempt, kind: str = "charged") -> None:
    key, at = f"{kind}:{attempt.reference}", timezone.now()
    LedgerEntry.objects.create(
        order=order, attempt=attempt, kind=kind, amount=amount, currency="IDR", source_key=key, occurred_at=at
    )


def only_row() -> StuckRow:
    """The one row of a page; all that is stuck, asked without a limit, is the same."""
    (row,) = stuck_page().rows
    (again,) = stuck_among([row.order_id])
    assert replace(again, clock=row.clock) == row
    return row


def paid_order(state: str, *, since: datetime) -> Order:
    order = make_order(state, since=since)
    make_attempt(order, "paid", since=since)
    return order


@pytest.mark.parametrize("state", ["awaiting_payment", "cancelled"])
def test_money_that_does_not_fit_is_stuck_at_once_while_we_hold_it(state: str) -> None:
    order = make_order(state, since=ago(minutes=1))
    attempt = make_attempt(order, "mismatch", since=ago(minutes=1))
    assert stuck_page().rows == []
    charge(order, 5, attempt=attempt)
    row = only_row()
    assert (row.machine, row.state, row.amount, row.order_state) == ("attempt", "mismatch", 5, state)
    assert len(stuck_page(as_of=timezone.now()).rows) == 1
    charge(order, -5, attempt=attempt, kind="refunded")
    assert stuck_page().rows == []


def test_a_saga_that_gave_up_is_stuck_at_once() -> None:
    order = paid_order("booking", since=ago(minutes=1))
    saga = make_saga(order, "needs_hand", since=ago(seconds=1))
    row = only_row()
    assert (row.machine, row.state, row.subject_id, row.order_state) == ("saga", "needs_hand", saga.pk, "booking")
    assert row.amount == order.amount


def test_a_saga_may_go_backwards_for_five_minutes() -> None:
    order = paid_order("cancelled", since=ago(minutes=10))
    make_saga(order, "compensating", since=ago(minutes=4))
    assert stuck_page().rows == []
    late = paid_order("cancelled", since=ago(minutes=10))
    make_saga(late, "compensating", since=ago(minutes=6))
    assert only_row().order_id == late.pk


def test_an_order_tried_at_dispatch_again_and_again_grows_old_all_the_same() -> None:
    order = paid_order("booking", since=ago(minutes=1))
    entry = make_dispatch(make_step(make_saga(order)), "waiting", since=ago(minutes=21))
    walk(entry, "sending", at=ago(minutes=1))
    row = only_row()
    assert (row.machine, row.state) == ("dispatch", "sending")
    assert row.since == entry.created_at


@pytest.mark.parametrize(
    ("state", "minutes", "is_stuck"),
    [
        ("requested", 29, False),
        ("requested", 31, True),
        ("approved", 31, True),
        ("sent", 31, True),
        ("unknown", 29, False),
        ("unknown", 31, True),
        ("failed", 1, True),
        ("succeeded", 90, False),
        ("rejected", 90, False),
    ],
)
def test_a_refund_that_stays_open_is_stuck(state: str, minutes: int, *, is_stuck: bool) -> None:
    order = paid_order("failed", since=ago(hours=2))
    refund = make_refund(order.attempts.get(), state, since=ago(minutes=minutes), amount=7)
    found = [(row.machine, row.state, row.subject_id, row.amount) for row in stuck_page().rows]
    assert found == ([("refund", state, refund.pk, 7)] if is_stuck else [])


@pytest.mark.parametrize(
    ("state", "minutes", "is_stuck"),
    [
        ("due", 29, False),
        ("due", 31, True),
        ("sent", 31, True),
        ("unknown", 31, True),
        ("rejected", 1, True),
        ("recorded", 90, False),
    ],
)
def test_a_completed_order_that_head_office_lacks_is_stuck(state: str, minutes: int, *, is_stuck: bool) -> None:
    order = paid_order("completed", since=ago(minutes=minutes))
    make_posting(order, state, since=ago(minutes=minutes))
    assert [row.machine for row in stuck_page().rows] == (["posting"] if is_stuck else [])


def test_an_entry_sent_again_and_again_grows_old_all_the_same() -> None:
    order = paid_order("completed", since=ago(hours=1))
    posting = make_posting(order, "unknown", since=ago(hours=1))
    walk(posting, "due", at=ago(seconds=5))
    assert only_row().since == posting.created_at


def test_an_order_appears_once_in_the_first_arm_that_has_it() -> None:
    order = paid_order("booking", since=ago(hours=1))
    saga = make_saga(order, "needs_hand", since=ago(hours=3))
    make_dispatch(make_step(saga), "waiting", since=ago(hours=3))
    make_refund(order.attempts.get(), "failed", since=ago(hours=2))
    make_posting(order, "rejected", since=ago(hours=2))
    assert only_row().machine == "order"
    walk(order, "cancelled", at=ago(minutes=30))
    assert only_row().machine == "saga"
    for wanted in (StuckFilter(machines=("refund",)), StuckFilter(kinds=(("refund", "failed"),))):
        assert (stuck_totals(wanted).count, stuck_page(wanted).rows) == (0, [])
    walk(saga, "succeeded", at=ago(minutes=29))
    assert only_row().machine == "dispatch"
    walk(order.dispatches.get(), "withdrawn", at=ago(minutes=28))
    assert only_row().machine == "refund"
    refund = order.refunds.get()
    walk(refund, "succeeded", at=ago(minutes=27))
    assert only_row().machine == "posting"
    walk(order.postings.get(), "recorded", at=ago(minutes=26))
    assert stuck_page().rows == []


def test_of_two_refunds_the_older_one_is_shown_and_counted() -> None:
    order = paid_order("cancelled", since=ago(hours=3))
    older = make_refund(order.attempts.get(), "unknown", since=ago(hours=2), amount=10)
    make_refund(order.attempts.get(), "failed", since=ago(hours=1), amount=20)
    assert only_row().subject_id == older.pk
    totals = stuck_totals()
    assert (totals.count, totals.money) == (1, {"IDR": 10})


def test_one_order_may_be_asked_about_held_or_not() -> None:
    order = make_order("paid", since=ago(hours=1), held_until=timezone.now() + timedelta(hours=1))
    make_order("paid", since=ago(hours=2))
    row = stuck_order(order)
    assert row is not None
    assert (row.order_id, row.version) == (order.pk, order.version)
