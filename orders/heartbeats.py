"""Signs of life of processes, as rows: Redis forgets its workers, PostgreSQL does not. One line per loop: `beat`."""

import logging
import os
import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from orders.models import Absence, Heartbeat

logger = logging.getLogger(__name__)

BEAT_EVERY: Final = timedelta(seconds=5)
COPY: Final = "@"
# A process that goes on is absent after so long without a sign: a job may keep it from giving one for half a minute.
ABSENT: Final = timedelta(seconds=40)
# Whoever was silent for longer was stopped, and nobody waited for it.
STOPPED: Final = timedelta(hours=1)
_last: dict[str, float] = {}


def beat(name: str, *, detail: dict[str, Any]) -> None:
    """Note that `name` lives, at most every five seconds. A database that is away never stops the caller."""
    now, before = time.monotonic(), _last.get(name)
    if before is not None and now - before < BEAT_EVERY.total_seconds():
        return
    _last[name] = now
    if not connection.in_atomic_block:
        close_old_connections()
    try:
        if COPY not in name and (before is None or now - before > ABSENT.total_seconds()):
            _note_absence(name, longer_than=BEAT_EVERY if before is None else ABSENT)
        facts = {"pid": os.getpid(), "at": timezone.now(), "detail": detail}
        Heartbeat.objects.update_or_create(name=name, defaults=facts)
    except DatabaseError as problem:
        logger.warning("no heartbeat of %s: %s", name, type(problem).__name__)


def _note_absence(name: str, *, longer_than: timedelta) -> None:
    """Of a process that begins, or was held up: from its last sign until now, where no other copy stood in."""
    last: datetime | None = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    now = timezone.now()
    if last is not None and longer_than < now - last < STOPPED:
        Absence.objects.create(process=name, since=last, until=now)


def copy_of(process: str, copy: str) -> str:
    """The name under which one of several copies of a process beats, beside the one they share."""
    return f"{process}{COPY}{copy}"[:60]


def is_copy_of(name: str, process: str) -> bool:
    return name.startswith(f"{process}{COPY}")


def forget_copies(*, silent_for: timedelta = timedelta(hours=1)) -> int:
    """A copy that ended never comes back under its name. How many rows."""
    gone = Heartbeat.objects.filter(name__contains=COPY, at__lt=timezone.now() - silent_for)
    return gone.delete()[0]


def silence(name: str) -> timedelta | None:
    """How long ago `name` last gave a sign; None when it never did."""
    row = Heartbeat.objects.filter(name=name).first()
    return None if row is None else timezone.now() - row.at
