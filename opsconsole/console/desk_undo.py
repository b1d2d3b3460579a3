"""Ten seconds to take back an assignment or a hold: what it was before, signed, so that nothing need be kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.utils import timezone

from orders.errors import StaleState
from orders.models import Order
from orders.services import desk

FOR: Final = timedelta(seconds=10)
# The way there and back, and a person's last-moment click, take a while.
PATIENCE: Final = timedelta(seconds=5)
SALT: Final = "desk-undo"


@dataclass(frozen=True, slots=True)
class Undo:
    """What was done (`assign` or `hold`), and how it was before and after."""

    what: str
    order: int
    by: int
    before: Any
    after: Any
    reason: str
    token: str


def offer(what: str, order: Order, *, by: Any, before: Any, after: Any, reason: str = "") -> str:
    """A token good for ten seconds, in the hands of the person who did it."""
    said = {"what": what, "order": order.pk, "by": by.pk, "before": before, "after": after, "reason": reason}
    return signing.dumps(said, salt=SALT)


def read(order: Order, token: str, user: Any) -> Undo | None:
    """None for no token, one that is too old, forged, another order's or another person's."""
    if not token:
        return None
    try:
        said = signing.loads(token, salt=SALT, max_age=FOR + PATIENCE)
    except signing.BadSignature:
        return None
    return Undo(**said, token=token) if (said["order"], said["by"]) == (order.pk, user.pk) else None


def undo_assignment(order: Order, undo: Undo, *, owner: Any, actor: str) -> None:
    """Back to who it was. Raises StaleState when somebody has changed it since."""
    desk.assign(order, owner, actor=actor, expected_owner=undo.after)


def undo_hold(order: Order, undo: Undo, *, actor: str) -> None:
    """Back to the hold before, or to none. Raises StaleState when it was changed since."""
    if instant(order.held_until) != undo.after:
        raise StaleState(subject=str(order), expected=str(undo.after), found=str(instant(order.held_until)))
    before = datetime.fromisoformat(undo.before) if undo.before else None
    if before is None or before <= timezone.now():
        desk.release(order, actor=actor)
    else:
        desk.hold(order, until=before, actor=actor, reason=undo.reason)


def instant(at: datetime | None) -> str | None:
    """As it travels in a token."""
    return at.isoformat() if at else None
