"""Facts about money. Each is written once, whoever reports it again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from orders import sets
from orders.models import Attempt, LedgerEntry, Order, Refund
from orders.states import BANK, LedgerKind


@dataclass(frozen=True, slots=True)
class Fact:
    """Money that came by an attempt or went back, in minor units; `key` makes it count once."""

    attempt: Attempt
    kind: LedgerKind
    amount: int
    at: datetime
    refund: Refund | None = None

    @property
    def key(self) -> str:
        if self.refund is not None:
            return f"refund:{self.refund.key}"
        return f"{_WORD[self.kind]}:{self.attempt.reference}"


_WORD = {LedgerKind.CHARGED: "charge", LedgerKind.REVERSED: "reverse"}


def charge(attempt: Attempt, *, amount: int, at: datetime) -> None:
    """The gateway took `amount` from the customer."""
    write_all([Fact(attempt, LedgerKind.CHARGED, amount, at)])


def give_back(refund: Refund, *, at: datetime) -> None:
    """A refund succeeded."""
    write_all([Fact(refund.attempt, LedgerKind.REFUNDED, -refund.amount, at, refund)])


def write_all(facts: Iterable[Fact]) -> None:
    """Write down what is not yet known, in one statement."""
    sets.insert(LedgerEntry, [_entry(fact) for fact in facts], once=True)


def _entry(fact: Fact) -> Mapping[str, Any]:
    return {
        "order": fact.attempt.order_id,
        "attempt": fact.attempt.pk,
        "refund": fact.refund.pk if fact.refund else None,
        "kind": fact.kind,
        "amount": fact.amount,
        "currency": fact.attempt.currency,
        "gateway": _paid_by(fact),
        "source_key": fact.key,
        "occurred_at": fact.at,
    }


def _paid_by(fact: Fact) -> str:
    """Whose account the money came to or left: what a person transferred left our own, and no gateway reports it."""
    by_hand = fact.refund is not None and fact.refund.bank_reference
    return BANK if by_hand else fact.attempt.gateway


def balance(order: Order) -> int:
    """What we hold of the customer's money for this order, in minor units."""
    return _sum(LedgerEntry.objects.filter(order=order))


def held(attempt: Attempt) -> int:
    """What we hold of the money that came by this attempt, in minor units."""
    return _sum(LedgerEntry.objects.filter(attempt=attempt))


def _sum(entries: QuerySet[LedgerEntry]) -> int:
    return int(entries.aggregate(total=Sum("amount"))["total"] or 0)
