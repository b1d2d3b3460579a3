"""Signs of life of processes, as rows: Redis forgets its workers, PostgreSQL does not. One line per loop: `beat`."""

import logging
import os
import time
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from orders.models import Heartbeat

logger = logging.getLogger(__name__)

BEAT_EVERY: Final = timedelta(seconds=5)
_last: dict[str, float] = {}


def beat(name: str, *, detail: dict[str, Any]) -> None:
    """Note that `name` lives, at most every five seconds. A database that is away never stops the caller."""
    now = time.monotonic()
    if now - _last.get(name, -BEAT_EVERY.total_seconds()) < BEAT_EVERY.total_seconds():
        return
    _last[name] = now
    if not connection.in_atomic_block:
        close_old_connections()
    try:
        facts = {"pid": os.getpid(), "at": timezone.now(), "detail": detail}
        Heartbeat.objects.update_or_create(name=name, defaults=facts)
    except DatabaseError as problem:
        logger.warning("no heartbeat of %s: %s", name, type(problem).__name__)


def silence(name: str) -> timedelta | None:
    """How long ago `name` last gave a sign; None when it never did."""
    row = Heartbeat.objects.filter(name=name).first()
    return None if row is None else timezone.now() - row.at
