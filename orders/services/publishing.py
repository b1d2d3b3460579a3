"""The outbox: history rows on their way to everybody who wants to know.

One relay at a time (an advisory lock), unsent rows in their order, each marked after the broker has it: at least once,
never lost, never swapped (reliability notes 2.5, ADR 0035). Consumers dedupe by `event_id`.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from orders import events
from orders.clients.broker import Message, Publisher
from orders.models import History, Order, Outbox

BATCH = 500
_LOCK = 0x6F707365  # "opse"


def hold_relay_lock() -> bool:
    """Whether this connection is now the one relay; it stays so until it closes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def publish_batch(publisher: Publisher) -> int:
    """Publish the oldest unsent rows. How many. Raises BrokerAway: nothing is marked then.

    No transaction is open while the broker is spoken to. Should a second relay ever begin before this one knows that
    it has lost its lock, both send the same rows in the same order: repetitions, and no inversion.
    """
    rows = list(Outbox.objects.filter(published_at=None).order_by("id")[:BATCH])
    if not rows:
        return 0
    publisher.publish([Message(each.key, each.event_id, each.body()) for each in events_of(rows)])
    Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(published_at=Now())
    return len(rows)


def events_of(rows: Sequence[Outbox]) -> Sequence[events.Event]:
    """The events of outbox rows, in the same order."""
    history = History.objects.in_bulk([row.history_id for row in rows])
    orders = Order.objects.only("public_id").in_bulk({row.order_id for row in rows})
    names = {pk: order.public_id for pk, order in orders.items()}
    told = [history[row.history_id] for row in rows if row.history_id in history]
    return [events.event_of(row, order_id=names.get(row.order_id, "")) for row in told]


def forget_published(*, days: int = 7) -> int:
    """Prune rows that were published long ago; the history itself stays for ever."""
    old = timezone.now() - timedelta(days=days)
    return Outbox.objects.filter(published_at__lt=old).delete()[0]
