"""Changing how long something may stay where it is before it counts as stuck. In force at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import History, StuckLimit
from orders.policies import ANY_SERVICE, DEFAULT_LIMITS
from orders.states import Service
from orders.transitions import record

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)
NO_ORDER: Final = 0
_SET, _CLEARED = "set_limit", "clear_limit"
Key = tuple[str, str, str]  # (machine, state, service); '' for all services


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed a limit last, and when."""

    actor: str
    at: datetime


def set_limit(key: Key, span: timedelta, *, actor: str) -> None:
    """Override the default of one state. Raises NotAllowed for a state without a limit, or a span
    outside a minute and thirty days."""
    machine, state, service = _known(key)
    if not SHORTEST <= span <= LONGEST:
        raise NotAllowed(_("A limit is between a minute and thirty days."))
    with transaction.atomic():
        was = _seconds(key)
        seconds = int(span.total_seconds())
        StuckLimit.objects.update_or_create(
            subject=machine, state=state, service=service, defaults={"seconds": seconds, "changed_by": actor}
        )
        _remember(_SET, key, actor=actor, was=was, seconds=seconds)


def clear_limit(key: Key, *, actor: str) -> None:
    """Back to the default. Raises NotAllowed where nothing was changed."""
    machine, state, service = _known(key)
    with transaction.atomic():
        was = _seconds(key)
        gone, _each = StuckLimit.objects.filter(subject=machine, state=state, service=service).delete()
        if not gone:
            raise NotAllowed(_("It is the default already."))
        _remember(_CLEARED, key, actor=actor, was=was, seconds=None)


def last_changes() -> Mapping[Key, Change]:
    """By key. Told by the history, because a limit that was cleared has no row any more."""
    told: dict[Key, Change] = {}
    rows = History.objects.filter(order_id=NO_ORDER, verb__in=(_SET, _CLEARED)).order_by("seq")
    for row in rows:
        told[row.detail["machine"], row.detail["state"], row.detail["service"]] = Change(row.actor, row.recorded_at)
    return told


def _known(key: Key) -> Key:
    machine, state, service = key
    if not any((machine, state) == (of, str(where)) for of, where, _service in DEFAULT_LIMITS):
        raise NotAllowed(_("There is no such limit."))
    if service not in (ANY_SERVICE, *Service.values):
        raise NotAllowed(_("There is no such service."))
    return key


def _seconds(key: Key) -> int | None:
    machine, state, service = key
    rows = StuckLimit.objects.filter(subject=machine, state=state, service=service)
    return rows.values_list("seconds", flat=True).first()


def _remember(verb: str, key: Key, *, actor: str, was: int | None, seconds: int | None) -> None:
    machine, state, service = key
    detail: dict[str, Any] = {"machine": machine, "state": state, "service": service}
    record(None, verb, actor=actor, detail={**detail, "was": was, "seconds": seconds})
