"""The only code that assigns the state of a business day.

A move is one conditional UPDATE and one event in the same transaction; who comes second finds nothing
and is refused. PostgreSQL holds the same table (`reconciliation/migrations`), whoever writes.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.day_states import DAY_EDGES, DayVerb
from reconciliation.models import Day, DayEvent


def move_day(
    day: Day, verb: DayVerb, *, actor: str, reason: str = "", detail: Mapping[str, Any] | None = None, **changes: Any
) -> None:
    """Move it along `verb`, setting `changes`. Raises NotAllowed where it cannot go, or somebody else was first."""
    target = DAY_EDGES.get((day.state, verb))
    if target is None or not Day.objects.filter(pk=day.pk, state=day.state).update(state=target, **changes):
        raise NotAllowed(_("The day has moved on: nothing was done."))
    for name, value in {"state": target, **changes}.items():
        setattr(day, name, value)
    DayEvent.objects.create(day=day, verb=verb, actor=actor, reason=reason[:400], detail=dict(detail or {}))
