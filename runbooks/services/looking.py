"""The second look: minutes after a run, every row that was acted on is read again.

What was fixed and is not any more came back; what was not fixed and is now is fixed after all.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from django.db import transaction
from django.utils import timezone

from orders.leases import hold
from runbooks.models import PlanRow, Run
from runbooks.registry import Action, find
from runbooks.states import RowState
from runbooks.subjects import SUBJECTS
from runbooks.transitions import tell

BATCH: Final = 1000
_LOOKED_AT: Final = (RowState.FIXED, RowState.NOT_FIXED, RowState.UNKNOWN)


def look_again(run: Run) -> None:
    """Read all acted-on rows of the run again, in batches; safe to repeat."""
    action = find(run.plan.action)
    if action is None:
        return
    rows = iter(list(PlanRow.objects.filter(plan=run.plan_id, state__in=_LOOKED_AT, looked_at=None).order_by("id")))
    changed = {RowState.CAME_BACK: 0, RowState.FIXED: 0}
    while batch := list(islice(rows, BATCH)):
        back, well = _look(run, action, batch)
        changed[RowState.CAME_BACK] += back
        changed[RowState.FIXED] += well
    with transaction.atomic():
        tell(run.plan, "look_again", actor="policy:run", detail={str(name): count for name, count in changed.items()})


@transaction.atomic
def _look(run: Run, action: Action, rows: Sequence[PlanRow]) -> tuple[int, int]:
    hold(run)
    facts = SUBJECTS[action.subject].gather([row.key for row in rows])
    holds = {row.pk for row in rows if row.key in facts and action.holds(facts[row.key], row.amount)}
    back = [row.pk for row in rows if row.state == RowState.FIXED and row.pk not in holds]
    well = [row.pk for row in rows if row.state != RowState.FIXED and row.pk in holds]
    PlanRow.objects.filter(pk__in=back).update(state=RowState.CAME_BACK, why="came_back", why_values={})
    PlanRow.objects.filter(pk__in=well).update(state=RowState.FIXED, why="later", why_values={})
    PlanRow.objects.filter(pk__in=[row.pk for row in rows]).update(looked_at=timezone.now())
    return len(back), len(well)
