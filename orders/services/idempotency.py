"""The first answer to a write is the answer to every repetition of it.

A key is reserved by one statement before the write begins, and holds a lease: while it lives, the
same write is refused as running; when its process has died, the next caller takes it over. The
lease is also the fence: an answer is kept only by who holds it, so of two callers that both
believe to be the holder one rolls back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from orders.errors import LostLease
from orders.models import ChannelToken, IdempotencyRecord

# Longer than the slowest write (an order: 3 s, a price and a promo: 3 s), short for who waits.
LEASE = timedelta(seconds=12)
KEPT_FOR = timedelta(days=7)
PURGE_BATCH = 5_000

# Inserts, or takes over what a dead process left. Returns no row when the key is somebody's.
_RESERVE = """
INSERT INTO orders_idempotencyrecord AS held
    (token_id, key, fingerprint, status, lease_until, created_at)
VALUES (%s, %s, %s, 0, clock_timestamp() + make_interval(secs => %s), clock_timestamp())
ON CONFLICT (token_id, key) DO UPDATE SET lease_until = EXCLUDED.lease_until
WHERE held.status = 0 AND held.lease_until < clock_timestamp()
  AND held.fingerprint = EXCLUDED.fingerprint
RETURNING id, lease_until
"""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The write may begin. `lease_until` proves at the end that it is still ours."""

    record_id: int
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """What was answered the first time. `body` is the very text."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Running:
    """The first call has not ended."""


@dataclass(frozen=True, slots=True)
class OtherWrite:
    """The key was used for something else."""


Reservation: TypeAlias = Reserved | Replay | Running | OtherWrite


def reserve(token: ChannelToken, *, key: str, fingerprint: str) -> Reservation:
    """Reserve `key` of `token` for the write that `fingerprint` (64 hex digits) stands for.

    Call outside a transaction: others must see the reservation at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [token.pk, key, fingerprint, LEASE.total_seconds()])
        row = cursor.fetchone()
    if row is not None:
        return Reserved(*row)
    found = IdempotencyRecord.objects.filter(token=token, key=key).first()
    if found is None:
        return Running()  # released a moment ago: to be asked again
    return _judged(found, fingerprint=fingerprint)


def _judged(found: IdempotencyRecord, *, fingerprint: str) -> Reservation:
    if found.fingerprint != fingerprint:
        return OtherWrite()
    if not found.status:
        return Running()
    kept = found.response or {}
    return Replay(found.status, kept.get("body", ""), kept.get("headers", {}))


def keep(reserved: Reserved, *, status: int, body: str, headers: Mapping[str, str]) -> None:
    """Keep the answer; in the transaction of the effect, so that neither is without the other.

    Raises LostLease where another caller took the write over: roll back.
    """
    mine = _mine(reserved).update(status=status, response={"body": body, "headers": dict(headers)})
    if not mine:
        raise LostLease(_("Another call with this key has taken over."))


def release(reserved: Reserved) -> None:
    """Nothing happened: free the key at once, so that the next try need not wait for the lease."""
    _mine(reserved).delete()


def _mine(reserved: Reserved) -> QuerySet[IdempotencyRecord]:
    return IdempotencyRecord.objects.filter(pk=reserved.record_id, status=0, lease_until=reserved.lease_until)


def purge() -> int:
    """Forget answers older than `KEPT_FOR`, a batch at a time; the number forgotten."""
    old = IdempotencyRecord.objects.filter(created_at__lt=Now() - KEPT_FOR)
    batch = old.order_by("created_at").values("pk")[:PURGE_BATCH]
    return IdempotencyRecord.objects.filter(pk__in=batch).delete()[0]
