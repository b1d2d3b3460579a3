"""Ten seconds to take a bulk assignment or hold back: what it was before, signed, so that nothing need be kept."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from opsconsole.console.desk_undo import FOR, PATIENCE
from opsconsole.console.staff import actor_name
from orders.errors import Refusal, StaleState
from orders.models import Order
from orders.services import desk

SALT: Final = "bulk-undo"
Held = tuple[datetime | None, str]


def offer_owners(before: Mapping[int, int | None], owner: User | None, *, by: User) -> str:
    """`before` is whose each order was."""
    said = {"what": "owners", "by": by.pk, "before": dict(before), "after": owner.pk if owner else None}
    return signing.dumps(said, salt=SALT, compress=True)


def offer_holds(before: Mapping[int, Held], until: datetime, *, by: User) -> str:
    """`before` is until when each order was held, and why."""
    kept = {pk: [held.isoformat() if held else None, reason] for pk, (held, reason) in before.items()}
    said = {"what": "holds", "by": by.pk, "before": kept, "after": until.isoformat()}
    return signing.dumps(said, salt=SALT, compress=True)


def take_back(token: str, *, by: User) -> tuple[int, int] | None:
    """How many are as before, and how many somebody has changed since. None for a token that is too old,
    forged, or another person's."""
    try:
        said = signing.loads(token, salt=SALT, max_age=FOR + PATIENCE)
    except signing.BadSignature:
        return None
    if said["by"] != by.pk:
        return None
    restore = _RESTORE[said["what"]](said, actor_name(by))
    before = said["before"]
    results = [_restored(restore, order, before[str(order.pk)]) for order in Order.objects.filter(pk__in=before)]
    return sum(results), len(before) - sum(results)


Restore = Callable[[Order, Any], None]


def _owners(said: Mapping[str, Any], actor: str) -> Restore:
    people = get_user_model().objects.in_bulk({pk for pk in said["before"].values() if pk is not None})

    def restore(order: Order, before: int | None) -> None:
        owner = people.get(before) if before is not None else None
        desk.assign(order, owner, actor=actor, expected_owner=said["after"])

    return restore


def _holds(said: Mapping[str, Any], actor: str) -> Restore:
    def restore(order: Order, before: list[str | None]) -> None:
        now = order.held_until.isoformat() if order.held_until else None
        if now != said["after"]:
            raise StaleState(subject=str(order), expected=said["after"], found=str(now))
        until = datetime.fromisoformat(before[0]) if before[0] else None
        if until is None or until <= timezone.now():
            desk.release(order, actor=actor)
        else:
            desk.hold(order, until=until, actor=actor, reason=before[1] or "")

    return restore


_RESTORE: Final[Mapping[str, Callable[[Mapping[str, Any], str], Restore]]] = {"owners": _owners, "holds": _holds}


def _restored(restore: Restore, order: Order, before: Any) -> bool:
    try:
        restore(order, before)
    except Refusal:
        return False
    return True
