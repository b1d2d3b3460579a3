"""What the broker lost: events that were published and that a consumer never took.

A broker that came back empty says nothing of what it had. The outbox knows what was published and the receipts know
what was taken; when a consumer's queue is empty, the difference is lost, and is taken from here (ADR 0036).
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from orders import events
from orders.models import Outbox, Receipt, Subscription
from orders.services.publishing import events_of
from orders.services.receiving import Consumer, take

logger = logging.getLogger(__name__)

# A message may be on its way to us although the queue is empty.
MARGIN: Final = timedelta(seconds=5)
AT_ONCE: Final = 500

_LOST = """
SELECT o.id FROM orders_outbox o JOIN orders_history h ON h.id = o.history_id
WHERE o.published_at > %(since)s AND o.published_at <= %(until)s
  AND (h.machine, h.verb) IN (SELECT * FROM unnest(%(machines)s::text[], %(verbs)s::text[]))
  AND NOT EXISTS (SELECT FROM orders_receipt r WHERE r.consumer = %(consumer)s AND r.event_id = 'h-' || h.id)
ORDER BY o.id LIMIT %(limit)s
"""


def now() -> datetime:
    """By the database's clock, which also wrote `published_at`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def recover(name: str, consumer: Consumer, *, drained_at: datetime) -> int:
    """Take what the consumer missed of everything published before its queue was seen empty. How many events."""
    subscription = Subscription.objects.get(pk=name)
    since, until = subscription.checked_until, drained_at - MARGIN
    if until <= since:
        return 0
    found = _lost(name, consumer, since=since, until=until)
    for event in found:
        take(name, consumer, event, raw=event.body())
    if len(found) < AT_ONCE:
        Subscription.objects.filter(pk=name).update(checked_until=until)
    if found:
        logger.warning("consumer %s: the broker had lost %d events", name, len(found))
    return len(found)


def _lost(name: str, consumer: Consumer, *, since: datetime, until: datetime) -> Sequence[events.Event]:
    wanted = sorted(consumer.wants)
    facts = {"machines": [machine for machine, _verb in wanted], "verbs": [verb for _machine, verb in wanted]}
    with connection.cursor() as cursor:
        cursor.execute(_LOST, {**facts, "consumer": name, "since": since, "until": until, "limit": AT_ONCE})
        ids = [pk for (pk,) in cursor.fetchall()]
    return events_of(list(Outbox.objects.filter(pk__in=ids).order_by("id")))


def forget_receipts(*, days: int = 30) -> int:
    """Prune receipts of events that no broker sends any more. How many."""
    return Receipt.objects.filter(at__lt=timezone.now() - timedelta(days=days)).delete()[0]
