"""What the ledger of one order adds up to. Facts are computed from it, never stored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orders.models import LedgerEntry, Order, Refund
from orders.states import LedgerKind, OrderState, RefundState

_UNPAID = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)
_CLOSED = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED, OrderState.PAID_AFTER_CLOSE)
_OVER = (RefundState.SUCCEEDED, RefundState.REJECTED)


class MoneyFact(StrEnum):
    OVERPAID = "overpaid"
    UNDERPAID = "underpaid"
    PAID_TWICE = "paid_twice"
    OWED_BACK = "owed_back"


@dataclass(frozen=True, slots=True)
class Money:
    """Minor units of `currency`. `balance` is what we hold; `on_its_way` of it is in refunds that have
    not ended; `expected` is what an order in this state should hold. `by_attempt` is what each
    attempt's money comes to."""

    currency: str
    charged: int
    refunded: int
    reversed: int
    adjusted: int
    on_its_way: int
    expected: int
    facts: tuple[tuple[MoneyFact, int], ...]
    by_attempt: dict[int, int]

    @property
    def balance(self) -> int:
        return self.charged + self.refunded + self.reversed + self.adjusted

    @property
    def free(self) -> int:
        """What could be given back now: held, and not on its way already."""
        return self.balance - self.on_its_way


def money_of(order: Order, ledger: Sequence[LedgerEntry], refunds: Sequence[Refund]) -> Money:
    """The sums of `ledger` and what they mean for an order in this state."""
    sums: Counter[str] = Counter()
    by_attempt: Counter[int] = Counter()
    for entry in ledger:
        sums[entry.kind] += entry.amount
        by_attempt[entry.attempt_id or 0] += entry.amount
    on_its_way = sum(refund.amount for refund in refunds if refund.state not in _OVER)
    expected = 0 if order.state in (*_UNPAID, *_CLOSED) else order.amount
    return Money(
        currency=order.currency,
        charged=sums[LedgerKind.CHARGED],
        refunded=sums[LedgerKind.REFUNDED],
        reversed=sums[LedgerKind.REVERSED],
        adjusted=sums[LedgerKind.ADJUSTED],
        on_its_way=on_its_way,
        expected=expected,
        facts=tuple(_facts(order, sums, by_attempt, on_its_way=on_its_way)),
        by_attempt=dict(by_attempt),
    )


def _facts(
    order: Order, sums: Counter[str], by_attempt: Counter[int], *, on_its_way: int
) -> list[tuple[MoneyFact, int]]:
    balance = sum(sums.values())
    came = balance - sums[LedgerKind.REFUNDED]
    found = []
    # What came by no attempt (an adjustment) is no payment.
    if sum(held > 0 for attempt, held in by_attempt.items() if attempt) > 1 and order.origin == Order.Origin.PLATFORM:
        found.append((MoneyFact.PAID_TWICE, balance - order.amount))
    elif balance > order.amount and order.state not in _CLOSED:
        found.append((MoneyFact.OVERPAID, balance - order.amount))
    if order.state in _CLOSED and balance > on_its_way:
        found.append((MoneyFact.OWED_BACK, balance - on_its_way))
    elif _is_short(order, came):
        found.append((MoneyFact.UNDERPAID, order.amount - came))
    return found


def _is_short(order: Order, came: int) -> bool:
    """Less came than was asked for. That nothing has come is no shortage while an order waits for it."""
    if order.state in _CLOSED or came >= order.amount:
        return False
    return came > 0 or order.state not in _UNPAID
