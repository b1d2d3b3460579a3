"""Watching how long the dispatch queue is: operations are told when it grows, once, and when it is short again."""

from typing import Any, Final

from django.conf import settings
from django.db import transaction

from orders.models import Heartbeat
from orders.queries.dispatch import queue_length
from orders.transitions import record

ROUND: Final = "dispatch-queue"
GREW, SHRANK = "dispatch_queue_grew", "dispatch_queue_shrank"


def watch() -> dict[str, Any]:
    """The ticker: counts, and writes a row of the general history where the queue crosses its limit.

    It counts as short again at half the limit, so that a queue about as long as the limit is not told
    of every few seconds.
    """
    limit, count = settings.DISPATCH_ALERT_FROM, queue_length()
    was_long = is_long()
    now_long = count >= limit if not was_long else count > limit // 2
    if now_long != was_long:
        with transaction.atomic():
            record(None, GREW if now_long else SHRANK, actor="policy:dispatch-queue", detail={"count": count})
    return {"count": count, "long": now_long}


def is_long() -> bool:
    """What the last round found."""
    row = Heartbeat.objects.filter(name=f"round:{ROUND}").first()
    return bool(row and row.detail.get("long"))
