"""What a ledger adds up to, and what that means for an order in its state."""

import pytest

from orders.models import LedgerEntry, Order, Refund
from orders.queries.money import MoneyFact, money_of
from orders.states import LedgerKind, OrderState, RefundState

S, F = OrderState, MoneyFact
ATTEMPT, OTHER = 1, 2


def _order(state: str, amount: int = 50_000, **fields: str) -> Order:
    return Order(state=state, amount=amount, currency="IDR", **fields)


def _entries(*amounts: tuple[int, int]) -> list[LedgerEntry]:
    """(attempt, amount): positive charged, negative refunded."""
    return [
        LedgerEntry(
            attempt_id=attempt,
            amount=amount,
            currency="IDR",
            kind=LedgerKind.CHARGED if amount > 0 else LedgerKind.REFUNDED,
        )
        for attempt, amount in amounts
    ]


@pytest.mark.parametrize(
    ("state", "entries", "facts"),
    [
        (S.AWAITING_PAYMENT, [], []),
        (S.AWAITING_PAYMENT, [(ATTEMPT, 49_000)], [(F.UNDERPAID, 1_000)]),
        (S.PAID, [(ATTEMPT, 50_000)], []),
        (S.PAID, [(ATTEMPT, 50_000), (OTHER, 50_000)], [(F.PAID_TWICE, 50_000)]),
        (S.PAID, [(ATTEMPT, 50_000), (OTHER, 50_000), (OTHER, -50_000)], []),
        (S.ACTIVE, [(ATTEMPT, 60_000)], [(F.OVERPAID, 10_000)]),
        (S.ACTIVE, [], [(F.UNDERPAID, 50_000)]),
        (S.COMPLETED, [(ATTEMPT, 50_000), (ATTEMPT, -20_000)], []),
        (S.CANCELLED, [], []),
        (S.CANCELLED, [(ATTEMPT, 50_000)], [(F.OWED_BACK, 50_000)]),
        (S.CANCELLED, [(ATTEMPT, 50_000), (ATTEMPT, -50_000)], []),
        (S.PAID_AFTER_CLOSE, [(ATTEMPT, 50_000)], [(F.OWED_BACK, 50_000)]),
    ],
)
def test_facts_are_computed_from_the_ledger(
    state: str, entries: list[tuple[int, int]], facts: list[tuple[MoneyFact, int]]
) -> None:
    assert list(money_of(_order(state), _entries(*entries), []).facts) == facts


def test_what_is_on_its_way_back_is_neither_owed_nor_free() -> None:
    refund = Refund(amount=50_000, state=RefundState.SENT)
    money = money_of(_order(S.CANCELLED), _entries((ATTEMPT, 50_000)), [refund])
    assert (money.balance, money.on_its_way, money.free, money.facts) == (50_000, 50_000, 0, ())


@pytest.mark.parametrize("state", [RefundState.SUCCEEDED, RefundState.REJECTED])
def test_a_refund_that_ended_is_on_no_way(state: str) -> None:
    money = money_of(_order(S.COMPLETED), _entries((ATTEMPT, 50_000)), [Refund(amount=9, state=state)])
    assert (money.on_its_way, money.free) == (0, 50_000)


def test_parts_of_an_imported_payment_are_no_second_payment() -> None:
    order = _order(S.COMPLETED, origin=Order.Origin.IMPORT)
    assert money_of(order, _entries((ATTEMPT, 20_000), (OTHER, 30_000)), []).facts == ()
