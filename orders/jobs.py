"""What RQ calls. A job is a doorbell: it carries a kind, looks at PostgreSQL, and may run twice."""

import time

from orders import bells
from orders.diagnosis.service import refresh_diagnoses
from orders.services import work


def drain(kind: str) -> int:
    """Do the work of one kind that is due. Rings again when its time is over before its work."""
    bells.hush(kind)
    if kind == "diagnosis":
        return _diagnose()
    done = work.drain(kind)
    if done and kind in work.waiting():
        bells.ring_now(kind)
    return done


def _diagnose(longest: float = work.LONGEST) -> int:
    """Refresh the diagnoses that are missing or stale, batch by batch."""
    until, done = time.monotonic() + longest, 0
    while time.monotonic() < until and (written := refresh_diagnoses()):
        done += written
    return done
