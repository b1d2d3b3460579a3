"""Stopping operators' actions, all or one by one. In force before the next row, whoever runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import ActionSwitch, History
from orders.models.control import EVERY_ACTION
from orders.transitions import record

NO_ORDER = 0
STOP, ALLOW = "stop_action", "allow_action"


@dataclass(frozen=True, slots=True)
class Change:
    """One turn of a switch, as the history tells it."""

    name: str
    is_stopped: bool
    actor: str
    reason: str
    at: datetime


def stopped_by(name: str) -> ActionSwitch | None:
    """The switch that stops this action now, the one over all first; None when it may be done."""
    found = ActionSwitch.objects.filter(name__in=(EVERY_ACTION, name), is_stopped=True)
    return found.order_by("name").first()


def why_stopped(name: str) -> str:
    """Why this action must not be done now, as a sentence; "" when it may."""
    switch = stopped_by(name)
    if switch is None:
        return ""
    return _("Stopped by %(actor)s: %(reason)s") % {"actor": switch.changed_by, "reason": switch.reason}


def turn(name: str, *, stop: bool, known: Sequence[str], actor: str, reason: str) -> None:
    """Stop an action (EVERY_ACTION: all), or let it go again. Raises NotAllowed without a reason, for an
    action that is not among `known`, or when it is so already."""
    if name not in (EVERY_ACTION, *known):
        raise NotAllowed(_("There is no such action."))
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
    with transaction.atomic():
        record(None, STOP if stop else ALLOW, actor=actor, reason=reason.strip()[:400], detail={"action": name})
        if switches().get(name, False) == stop:
            raise NotAllowed(_("It is so already."))
        values = {"is_stopped": stop, "reason": reason.strip()[:400], "changed_by": actor}
        ActionSwitch.objects.update_or_create(name=name, defaults=values)


def switches() -> Mapping[str, bool]:
    """Whether each action that was ever touched is stopped."""
    return dict(ActionSwitch.objects.values_list("name", "is_stopped"))


def changes(limit: int = 50) -> Sequence[Change]:
    """Who turned what, the newest first."""
    rows = History.objects.filter(order_id=NO_ORDER, verb__in=(STOP, ALLOW)).order_by("-seq")[:limit]
    return [Change(row.detail["action"], row.verb == STOP, row.actor, row.reason, row.recorded_at) for row in rows]
