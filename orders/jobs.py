"""What RQ calls. A job is a doorbell: it carries a kind, looks at PostgreSQL, and may run twice."""

from orders import bells
from orders.services import work


def drain(kind: str) -> int:
    """Do the work of one kind that is due. Rings again when its time is over before its work."""
    bells.hush(kind)
    done = work.drain(kind)
    if done and kind in work.waiting():
        bells.ring_now(kind)
    return done
