"""The outbox: history rows on their way to everybody who wants to know.

One relay at a time (an advisory lock), unsent rows in their order, each marked after the stream
has it: at least once, never lost, never swapped (reliability notes 2.5). Consumers dedupe by
`event_id`.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from orders.models import History, Order, Outbox

STREAM = "events"
KEPT = 100_000  # newest events kept in the stream
BATCH = 500
_LOCK = 0x6F707365  # "opse"


def hold_relay_lock() -> bool:
    """Whether this connection is now the one relay; it stays so until it closes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def publish_batch(stream: redis.Redis) -> int:
    """Publish the oldest unsent rows. How many. Raises RedisError: nothing is marked then."""
    with transaction.atomic():
        rows = list(Outbox.objects.select_for_update(skip_locked=True).filter(published_at=None).order_by("id")[:BATCH])
        if not rows:
            return 0
        _send(stream, _events(rows))
        Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(published_at=timezone.now())
    return len(rows)


def _events(rows: Sequence[Outbox]) -> list[dict[str, Any]]:
    history = History.objects.in_bulk([row.history_id for row in rows])
    orders = Order.objects.in_bulk({row.order_id for row in rows})
    return [_event(history[row.history_id], orders.get(row.order_id)) for row in rows if row.history_id in history]


def _event(row: History, order: Order | None) -> dict[str, Any]:
    """Version 1 of the event; no personal data ever goes into it."""
    return {
        "version": 1,
        "event_id": f"h-{row.pk}",
        "order_id": order.public_id if order else "",
        "seq": row.seq,
        "machine": row.machine,
        "subject": row.subject_id,
        "verb": row.verb,
        "from": row.source,
        "to": row.target,
        "actor": row.actor,
        "occurred_at": row.occurred_at.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
    }


def _send(stream: redis.Redis, events: Sequence[dict[str, Any]]) -> None:
    pipe = stream.pipeline(transaction=False)
    for event in events:
        body: dict[Any, Any] = {"body": json.dumps(event, separators=(",", ":"))}
        pipe.xadd(f"{settings.REDIS_PREFIX}{STREAM}", body, maxlen=KEPT, approximate=True)
    pipe.execute()


def forget_published(*, days: int = 7) -> int:
    """Prune rows that were published long ago; the history itself stays for ever."""
    old = timezone.now() - timedelta(days=days)
    return Outbox.objects.filter(published_at__lt=old).delete()[0]
