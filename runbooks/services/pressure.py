"""How fast a run may go: the action's rate, and the breakers of the neighbours that its rows ask."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.utils import timezone

from orders.models import OperatorAction
from orders.models.action import BY_HAND
from orders.services.doors import Door, door_of
from runbooks.models import PlanRow, Run
from runbooks.registry import Action

SECOND: Final = timedelta(seconds=1)
BURST: Final = 1.0  # seconds of its rate that a run may save up


def admit(run: Run, action: Action, rows: Sequence[PlanRow]) -> tuple[Sequence[PlanRow], str]:
    """The first of `rows` that may go now, and the neighbour that the next one waits for ("": none).

    A neighbour whose breaker is open gets nothing; one whose breaker probes gets one row at a turn. What
    people ask for by hand comes first: it is taken from the run's rate.
    """
    allowed: list[PlanRow] = []
    doors: dict[str, Door] = {}
    probed: set[str] = set()
    for row in rows[: int(_saved(run, action) - _by_hand(action))]:
        door = doors.setdefault(row.neighbour, door_of(row.neighbour))
        if door == Door.SHUT or (door == Door.AJAR and row.neighbour in probed):
            return allowed, row.neighbour
        probed.add(row.neighbour)
        allowed.append(row)
    return allowed, ""


def note(run: Run, action: Action, *, released: int, waits_for: str) -> None:
    """Keep what is left of the allowance, and say what is waited for. Only while the run is still ours."""
    left, now = _saved(run, action) - released, timezone.now()
    mine = Run.objects.filter(pk=run.pk, token=run.token)
    mine.update(allowance=left, allowed_at=now, waits_for=waits_for)
    run.allowance, run.allowed_at, run.waits_for = left, now, waits_for


def _by_hand(action: Action) -> int:
    """How often the same was asked for by hand within the last second."""
    since = timezone.now() - SECOND
    asked = OperatorAction.objects.filter(BY_HAND, name=action.verb, created_at__gt=since)
    return asked.count() if action.verb else 0


def _saved(run: Run, action: Action) -> float:
    """Rows that the rate allows at this moment: a bucket that fills by the clock and holds a second's worth."""
    passed = max(0.0, (timezone.now() - run.allowed_at).total_seconds())
    return min(max(1.0, action.rate * BURST), run.allowance + passed * action.rate)
