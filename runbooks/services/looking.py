"""The second look: minutes after a run, or a single action, what was acted on is read again.

What was fixed and is not any more came back; what was not fixed and is now is fixed after all. A single action that was
only accepted is looked at until it has ended; a run's rows are in `runbooks.services.awaiting`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from orders.leases import hold, renew
from orders.models import OperatorAction
from orders.models.action import BY_HAND
from runbooks.models import PlanRow, Run
from runbooks.registry import ACTIONS, Action, find
from runbooks.states import RowState
from runbooks.subjects import SUBJECTS, Known
from runbooks.transitions import tell

BATCH: Final = 1000
# An action by hand that nobody looked at in this time (the ticker was away) is not looked at any more.
LATEST: Final = timedelta(days=1)
# Banks take days for some money; what was accepted is looked at until then.
LONGEST: Final = timedelta(days=7)
_Later = OperatorAction.Later
_Status = OperatorAction.Status
_ENDED: Final = (_Status.FIXED, _Status.NOT_FIXED)
_LOOKED_AT: Final = (RowState.FIXED, RowState.NOT_FIXED, RowState.UNKNOWN)


def look_again(run: Run) -> None:
    """Read once more the acted-on rows of the run that ended long enough ago, in batches; safe to repeat."""
    action = find(run.plan.action)
    if action is None:
        return
    is_due = Q(ended_at=None) | Q(ended_at__lte=timezone.now() - settings.LOOK_AGAIN_AFTER)
    changed, is_any = {RowState.CAME_BACK: 0, RowState.FIXED: 0}, False
    for rows in batches(unlooked(run).filter(is_due)):
        renew(run)
        back, well = _look(run, action, rows)
        changed[RowState.CAME_BACK] += back
        changed[RowState.FIXED] += well
        is_any = True
    if is_any:
        _tell(run, changed)


def unlooked(run: Run) -> QuerySet[PlanRow]:
    """Rows that have ended, of which nobody knows yet whether they stay as they are."""
    return PlanRow.objects.filter(plan=run.plan_id, state__in=_LOOKED_AT, looked_at=None)


def batches(rows: QuerySet[PlanRow]) -> Iterator[Sequence[PlanRow]]:
    """All that it finds now: what is made of one batch leaves the others."""
    found = iter(list(rows.order_by("id")))
    while batch := list(islice(found, BATCH)):
        yield batch


@transaction.atomic
def _tell(run: Run, changed: Mapping[RowState, int]) -> None:
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
    before = timezone.now() - settings.LOOK_AGAIN_AFTER
    by_hand = OperatorAction.objects.filter(BY_HAND, finished_at__lt=before)
    ended = by_hand.filter(looked_at=None, status__in=_ENDED, finished_at__gt=before - LATEST)
    is_due = Q(looked_at=None) | Q(looked_at__lt=before)
    accepted = by_hand.filter(is_due, status=_Status.ACCEPTED, later="", finished_at__gt=before - LONGEST)
    by_name: dict[str, list[OperatorAction]] = defaultdict(list)
    for due in (ended, accepted):
        for each in due.order_by("finished_at")[:BATCH]:
            by_name[each.name].append(each)
    return sum(_look_at(SINGLE.get(name), actions) for name, actions in by_name.items())


def _look_at(action: Action | None, done: Sequence[OperatorAction]) -> int:
    """An act that no second look is known of (sending a link) counts as looked at."""
    later = _later(action, done) if action is not None else {}
    with transaction.atomic():
        for said in _Later:
            ids = [pk for pk, each in later.items() if each == said]
            OperatorAction.objects.filter(pk__in=ids, later="").update(later=said)
        OperatorAction.objects.filter(pk__in=[each.pk for each in done]).update(looked_at=timezone.now())
    return len(done)


def _later(action: Action, done: Iterable[OperatorAction]) -> Mapping[int, _Later]:
    done = list(done)
    facts = SUBJECTS[action.subject].gather([str(each.order_id) for each in done])
    said: dict[int, _Later] = {}
    for each in done:
        known = facts.get(str(each.order_id))
        later = _said(action, each, known) if known is not None else None
        if later is not None:
            said[each.pk] = later
    return said


def _said(action: Action, done: OperatorAction, known: Known) -> _Later | None:
    """None where nothing is to be added to the result: it is so still, or goes on."""
    amount = int(done.params.get("amount", 0))
    holds = action.holds(known, amount)
    if done.status == _Status.ACCEPTED:
        not_yet = None if action.goes_on(known, amount) else _Later.NOT_DONE
        return _Later.DONE if holds else not_yet
    if holds == (done.status == _Status.FIXED):
        return None
    return _Later.CAME_RIGHT if holds else _Later.CAME_BACK


# Acts by hand on an order itself, by name; those on its parts end with the part.
SINGLE: Final = {each.verb: each for each in ACTIONS.values() if each.subject == "order" and each.name == each.verb}
