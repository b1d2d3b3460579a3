"""Locks on resources that last longer than a transaction: over waves, pauses and waits.

A row of PostgreSQL, not a counter: two who want the same at once cannot both have it.
"""

from collections.abc import Iterable, Mapping

from django.db import connection

from orders.models import Order, ResourceLock


def key_of(order_id: int) -> str:
    """The key of an order's lock."""
    return f"order:{order_id}"


_TAKE = """
INSERT INTO orders_resourcelock (key, holder, taken_by, taken_at)
SELECT key, %s, %s, now() FROM unnest(%s::text[]) AS key ORDER BY key
ON CONFLICT (key) DO NOTHING
"""


def take(keys: Iterable[str], *, holder: str, by: str) -> Mapping[str, ResourceLock]:
    """Lock what is free, in the order of the keys; the locks of others on the rest, by key."""
    wanted = sorted(set(keys))
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [holder, by, wanted])
    others = ResourceLock.objects.filter(key__in=wanted).exclude(holder=holder)
    return {lock.key: lock for lock in others}


def let_go(holder: str, *, keys: Iterable[str] | None = None) -> int:
    """Give back some of a holder's locks, or all. How many."""
    mine = ResourceLock.objects.filter(holder=holder)
    gone, _each = (mine if keys is None else mine.filter(key__in=list(keys))).delete()
    return gone


def lock_on(order: Order) -> ResourceLock | None:
    """Who works on this order at the moment."""
    return ResourceLock.objects.filter(key=key_of(order.pk)).first()
