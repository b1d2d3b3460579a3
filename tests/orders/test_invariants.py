"""What must always hold of orders and money: kept by the flow, and missed when it is not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from orders.models import LedgerEntry, OperatorAction, Order
from orders.queries.invariants import INVARIANTS, counts, violations
from tests.orders.history.tampering import sql
from tests.orders.making import make_attempt, make_order, make_posting, make_refund, make_saga

pytestmark = pytest.mark.django_db


def charge(order: Order, amount: int = 150_000, *, kind: str = "charged", currency: str = "IDR") -> None:
    attempt = order.attempts.first() or make_attempt(order, "paid")
    LedgerEntry.objects.create(
        order=order,
        attempt=attempt,
        kind=kind,
        amount=amount,
        currency=currency,
        source_key=f"{kind}:{order.pk}:{LedgerEntry.objects.count()}",
        occurred_at=timezone.now(),
    )


def paid(state: str, **fields: object) -> Order:
    order = make_order(state, **fields)
    charge(order)
    return order


def broken() -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for each in violations():
        found.setdefault(each.invariant, set()).add(each.order_id)
    return found


def test_a_platform_that_does_its_work_breaks_nothing() -> None:
    make_order("created")
    make_order("expired")
    make_saga(paid("booking"))
    make_saga(paid("paid"))
    paid("active")
    paid("paid_after_close")
    make_posting(paid("completed"))
    with_refund = paid("failed")
    make_refund(with_refund.attempts.get(), "sent")
    given_back = paid("cancelled")
    charge(given_back, -150_000, kind="refunded")
    taken_back = paid("failed")
    make_refund(taken_back.attempts.get(), "sent")
    charge(taken_back, -150_000, kind="reversed")
    unfit = make_order("cancelled")
    make_attempt(unfit, "mismatch")
    charge(unfit, 5)
    being_undone = paid("cancelled")
    make_saga(being_undone, "compensating")
    assert broken() == {}
    assert counts() == dict.fromkeys((rule.name for rule in INVARIANTS), 0)


def closed_with_money() -> Order:
    return paid("cancelled")


def money_on_an_unpaid_order() -> Order:
    return paid("awaiting_payment")


def paid_without_booking() -> Order:
    return paid("booking")


def more_back_than_charged() -> Order:
    order = paid("active")
    charge(order, -200_000, kind="refunded")
    return order


def two_refunds_under_way() -> Order:
    order = paid("active")
    for _number in range(2):
        make_refund(order.attempts.get(), "sent", amount=100_000)
    return order


def refunded_twice_for_one_cause() -> Order:
    order = paid("active")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX refund_once_per_cause")
    for _number in range(2):
        make_refund(order.attempts.get(), "succeeded", amount=1, cause="same")
    return order


def two_live_sagas() -> Order:
    order = paid("active")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX saga_one_live")
    make_saga(order, "running")
    make_saga(order, "needs_hand")
    return order


def gap_in_the_history() -> Order:
    order = make_order("expired")
    sql("DELETE FROM orders_history WHERE order_id = %s AND seq = 1", order.pk)
    return order


def tail_of_the_history_gone() -> Order:
    order = make_order("expired")
    sql("DELETE FROM orders_history WHERE order_id = %s AND seq = 2", order.pk)
    return order


def money_in_two_currencies() -> Order:
    order = paid("active")
    charge(order, 5, currency="BRL")
    return order


def completed_without_posting() -> Order:
    return paid("completed")


def paid_without_charge() -> Order:
    order = make_order("active")
    make_attempt(order, "paid")
    return order


def imported_and_closed_with_money() -> Order:
    return paid("failed", origin="import")


PLANTED: list[tuple[Callable[[], Order], str]] = [
    (closed_with_money, "paid_is_handled"),
    (money_on_an_unpaid_order, "paid_is_handled"),
    (paid_without_booking, "paid_is_handled"),
    (more_back_than_charged, "refunds_within_charges"),
    (two_refunds_under_way, "refunds_within_charges"),
    (refunded_twice_for_one_cause, "one_refund_per_cause"),
    (two_live_sagas, "one_live_saga"),
    (gap_in_the_history, "history_without_gap"),
    (tail_of_the_history_gone, "history_without_gap"),
    (money_in_two_currencies, "one_currency"),
    (completed_without_posting, "completed_is_posted"),
    (paid_without_charge, "paid_was_charged"),
    (imported_and_closed_with_money, "imported_refund_owed"),
]


@pytest.mark.parametrize(("plant", "name"), PLANTED, ids=[case[0].__name__ for case in PLANTED])
def test_a_planted_violation_is_found_and_only_that(plant: Callable[[], Order], name: str) -> None:
    order = plant()
    assert broken() == {name: {order.pk}}
    (first, *_others) = violations(since=timezone.now() - timedelta(minutes=1))
    assert (first.invariant, first.public_id) == (name, order.public_id)
    assert first.what


def test_every_invariant_has_a_planted_violation() -> None:
    assert {name for _plant, name in PLANTED} == {rule.name for rule in INVARIANTS}


@pytest.mark.parametrize("plant", [closed_with_money])
def test_an_operators_action_is_a_task(plant: Callable[[], Order]) -> None:
    order = plant()
    OperatorAction.objects.create(
        order=order, name="refund", reason="x", actor="user:a", expected_state="cancelled",
        expected_version=1, key="k", status="queued",
    )  # fmt: skip
    assert broken() == {}


def test_only_orders_that_were_touched_lately_are_looked_at() -> None:
    paid("cancelled")
    sql("UPDATE orders_history SET recorded_at = recorded_at - interval '1 hour'")
    assert violations(since=timezone.now() - timedelta(minutes=1)) == []
    assert len(violations()) == 1
    assert violations(limit=0) == []
