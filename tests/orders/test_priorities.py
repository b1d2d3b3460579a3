"""P0 to P3: the points, and that no state that can be stuck was forgotten."""

from datetime import timedelta

import pytest

from orders.policies import DEFAULT_LIMITS
from orders.priorities import LARGE_SUMS, WEIGHTS, priority
from orders.states import OrderState, PostingState, RefundState

HALF_HOUR = timedelta(minutes=30)


def test_every_state_with_a_limit_has_a_weight_and_no_other() -> None:
    limited = {(machine, str(state)) for machine, state, _service in DEFAULT_LIMITS}
    assert {(machine, str(state)) for machine, state in WEIGHTS} == limited


@pytest.mark.parametrize(
    ("_case", "machine", "state", "amount", "age", "expected"),
    [
        ("small, young, unpaid", "order", OrderState.AWAITING_PAYMENT, 20_000, HALF_HOUR, 3),
        ("unpaid for a day", "order", OrderState.AWAITING_PAYMENT, 20_000, timedelta(days=1), 2),
        ("small, late at Head Office", "posting", PostingState.DUE, 20_000, timedelta(hours=4), 2),
        ("paid, waits a little", "order", OrderState.PAID, 20_000, HALF_HOUR, 2),
        ("paid, waits 8 hours", "order", OrderState.PAID, 20_000, timedelta(hours=24), 1),
        ("a refund that failed just now", "refund", RefundState.FAILED, 357_000, timedelta(minutes=1), 2),
        ("a refund that failed long ago", "refund", RefundState.FAILED, 357_000, timedelta(days=2), 0),
        ("a very large refund that failed", "refund", RefundState.FAILED, 5_000_000, timedelta(minutes=1), 0),
    ],
)
def test_points_add_up(_case: str, machine: str, state: str, amount: int, age: timedelta, expected: int) -> None:
    assert priority(machine, state, amount=amount, currency="IDR", age=age, limit=HALF_HOUR) == expected


@pytest.mark.parametrize("currency", LARGE_SUMS)
def test_a_sum_counts_from_its_first_unit_on(currency: str) -> None:
    much, very_much = LARGE_SUMS[currency]
    found = [
        priority("refund", RefundState.REQUESTED, amount=amount, currency=currency, age=age, limit=HALF_HOUR)
        for amount, age in (
            (much - 1, timedelta(hours=4)),
            (much, timedelta(hours=4)),
            (very_much, timedelta(hours=4)),
        )
    ]
    assert found == [2, 1, 0]


def test_money_of_an_unlisted_currency_earns_no_points() -> None:
    assert priority("order", OrderState.PAID, amount=10**12, currency="XOF", age=HALF_HOUR, limit=HALF_HOUR) == 2
