"""Facts about money. Each is written once, whoever reports it again."""

from datetime import datetime

from django.db.models import QuerySet, Sum

from orders.models import Attempt, LedgerEntry, Order, Refund
from orders.states import LedgerKind


def charge(attempt: Attempt, *, amount: int, at: datetime) -> bool:
    """The gateway took `amount` from the customer. False when that was known."""
    return _write(attempt, kind=LedgerKind.CHARGED, amount=amount, at=at, key=f"charge:{attempt.reference}")


def reverse(attempt: Attempt, *, amount: int, at: datetime) -> bool:
    """The gateway took a charge back. False when that was known."""
    key = f"reverse:{attempt.reference}"
    return _write(attempt, kind=LedgerKind.REVERSED, amount=-amount, at=at, key=key)


def give_back(refund: Refund, *, at: datetime) -> bool:
    """A refund succeeded. False when that was known."""
    key = f"refund:{refund.key}"
    return _write(
        refund.attempt,
        kind=LedgerKind.REFUNDED,
        amount=-refund.amount,
        at=at,
        key=key,
        refund=refund,
    )


def _write(
    attempt: Attempt,
    *,
    kind: str,
    amount: int,
    at: datetime,
    key: str,
    refund: Refund | None = None,
) -> bool:
    _entry, created = LedgerEntry.objects.get_or_create(
        source_key=key,
        defaults={
            "order_id": attempt.order_id,
            "attempt": attempt,
            "refund": refund,
            "kind": kind,
            "amount": amount,
            "currency": attempt.currency,
            "gateway": attempt.gateway,
            "occurred_at": at,
        },
    )
    return created


def balance(order: Order) -> int:
    """What we hold of the customer's money for this order, in minor units."""
    return _sum(LedgerEntry.objects.filter(order=order))


def held(attempt: Attempt) -> int:
    """What we hold of the money that came by this attempt, in minor units."""
    return _sum(LedgerEntry.objects.filter(attempt=attempt))


def _sum(entries: QuerySet[LedgerEntry]) -> int:
    return int(entries.aggregate(total=Sum("amount"))["total"] or 0)
