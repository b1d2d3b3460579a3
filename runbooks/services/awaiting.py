"""What was accepted and is not done yet: a run's rows of which somebody outside has said that the end comes later.

They are looked at until they have ended, and count no wave as failed before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from orders.leases import hold, renew
from runbooks.models import PlanEvent, PlanRow, Run
from runbooks.registry import Action, find
from runbooks.services.looking import LONGEST, batches
from runbooks.states import RowState, RunVerb
from runbooks.subjects import SUBJECTS, Known

# At first as often; later after a tenth of the time that it has taken already.
AGAIN: Final = timedelta(seconds=15)
_STATES: Final = {"done_since": RowState.FIXED, "not_done": RowState.NOT_FIXED, "too_long": RowState.NOT_FIXED}


@dataclass(frozen=True, slots=True)
class Ended:
    """Accepted rows that have ended, and how many of them not well."""

    ended: int = 0
    failed: int = 0


def since_judged(run: Run, *, place: int) -> Ended:
    """Of waves judged already, which end at `place`: what has ended since the last judgement, or since a person who
    saw the results let the run go on. Read from rows and events: who looked may have died before it was judged."""
    told = PlanEvent.objects.filter(plan=run.plan_id, verb__in=("wave", RunVerb.RESUME)).aggregate(last=Max("at"))
    if told["last"] is None:
        return Ended()
    late = PlanRow.objects.filter(plan=run.plan_id, place__lte=place, ended_at__gt=told["last"], why__in=_STATES)
    failed = Count("pk", filter=Q(state=RowState.NOT_FIXED))
    return Ended(**late.aggregate(ended=Count("pk"), failed=failed))


def next_look(run: Run) -> datetime | None:
    """When accepted rows are worth another look; None when there are none."""
    if not PlanRow.objects.filter(plan=run.plan_id, state=RowState.ACCEPTED).exists():
        return None
    now = timezone.now()
    return now + max(AGAIN, (now - (run.ended_at or now)) / 10)


def look(run: Run, *, since: timedelta = AGAIN) -> None:
    """Give the accepted rows that have ended their result; safe to repeat. Those looked at within `since` are left."""
    action = find(run.plan.action)
    if action is None:
        return
    is_due = Q(looked_at=None) | Q(looked_at__lte=timezone.now() - since)
    for rows in batches(PlanRow.objects.filter(is_due, plan=run.plan_id, state=RowState.ACCEPTED)):
        renew(run)
        _look(run, action, rows)


@transaction.atomic
def _look(run: Run, action: Action, rows: Sequence[PlanRow]) -> None:
    hold(run)
    now, results = timezone.now(), _results(action, rows)
    for why, state in _STATES.items():
        ids = [pk for pk, result in results.items() if result == why]
        PlanRow.objects.filter(pk__in=ids).update(state=state, why=why, why_values={}, ended_at=now, looked_at=None)
    PlanRow.objects.filter(pk__in=[row.pk for row in rows if row.pk not in results]).update(looked_at=now)


def _results(action: Action, rows: Sequence[PlanRow]) -> Mapping[int, str]:
    """By row, why it has ended; one that goes on is left out."""
    facts = SUBJECTS[action.subject].gather([row.key for row in rows])
    results = {row.pk: _result(action, row, facts.get(row.key)) for row in rows}
    return {pk: why for pk, why in results.items() if why}


def _result(action: Action, row: PlanRow, known: Known | None) -> str:
    """What is not there any more has not become what was wanted."""
    if known is not None and action.holds(known, row.amount):
        return "done_since"
    if known is None or not action.goes_on(known, row.amount):
        return "not_done"
    began = row.released_at or timezone.now()
    return "too_long" if timezone.now() - began > LONGEST else ""
