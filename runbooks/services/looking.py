"""The second look: minutes after a run, or a single action, what was acted on is read again.

What was fixed and is not any more came back; what was not fixed and is now is fixed after all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orders.leases import hold
from orders.models import OperatorAction
from orders.models.action import BY_HAND
from runbooks.models import PlanRow, Run
from runbooks.registry import ACTIONS, Action, find
from runbooks.states import RowState
from runbooks.subjects import SUBJECTS
from runbooks.transitions import tell

BATCH: Final = 1000
# An action by hand that nobody looked at in this time (the ticker was away) is not looked at any more.
LATEST: Final = timedelta(days=1)
_Later = OperatorAction.Later
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


def look_at_single_actions() -> int:
    """Those asked for by hand whose time for a second look has come. How many."""
    now = timezone.now()
    due = OperatorAction.objects.filter(
        BY_HAND,
        looked_at=None,
        status__in=(OperatorAction.Status.FIXED, OperatorAction.Status.NOT_FIXED),
        finished_at__lt=now - settings.LOOK_AGAIN_AFTER,
        finished_at__gt=now - settings.LOOK_AGAIN_AFTER - LATEST,
    )
    by_name: dict[str, list[OperatorAction]] = defaultdict(list)
    for each in due.order_by("finished_at")[:BATCH]:
        by_name[each.name].append(each)
    return sum(_look_at(SINGLE.get(name), actions) for name, actions in by_name.items())


def _look_at(action: Action | None, done: Sequence[OperatorAction]) -> int:
    """An act that no second look is known of (sending a link) counts as looked at."""
    later = _later(action, done) if action is not None else {}
    with transaction.atomic():
        for said in _Later:
            ids = [pk for pk, each in later.items() if each == said]
            OperatorAction.objects.filter(pk__in=ids, looked_at=None).update(later=said)
        OperatorAction.objects.filter(pk__in=[each.pk for each in done]).update(looked_at=timezone.now())
    return len(done)


def _later(action: Action, done: Iterable[OperatorAction]) -> Mapping[int, _Later]:
    done = list(done)
    facts = SUBJECTS[action.subject].gather([str(each.order_id) for each in done])
    said: dict[int, _Later] = {}
    for each in done:
        known = facts.get(str(each.order_id))
        if known is None:
            continue
        holds, was_fixed = action.holds(known, int(each.params.get("amount", 0))), each.status == "fixed"
        if holds != was_fixed:
            said[each.pk] = _Later.CAME_RIGHT if holds else _Later.CAME_BACK
    return said


# Acts by hand on an order itself, by name; those on its parts end with the part.
SINGLE: Final = {each.verb: each for each in ACTIONS.values() if each.subject == "order" and each.name == each.verb}
