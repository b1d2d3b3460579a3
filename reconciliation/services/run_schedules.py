"""Runs that begin by the clock: kept by finance, begun by the ticker."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.models import Run, RunSchedule
from reconciliation.schedules import Schedule, next_run
from reconciliation.services.runs import ask
from reconciliation.services.versioned import keep_version
from reconciliation.states import RunScope, RunState

FIELDS: Final = ("scope", "rule", "weekdays", "is_active")
SHORTEST: Final = timedelta(minutes=1)
MOST: Final = 20


def keep(found: RunSchedule, given: Mapping[str, Any], *, expected: int, actor: str, reason: str) -> RunSchedule:
    """Save a new schedule (`pk` None) or the next version of one. Raises NotAllowed; `given` has FIELDS."""
    before = {name: getattr(found, name) for name in FIELDS} if found.pk else {}
    for name in FIELDS:
        setattr(found, name, given[name])
    found.next_at = _first(found)
    if not found.pk and RunSchedule.objects.count() >= MOST:
        raise NotAllowed(_("There are %(most)s schedules already.") % {"most": MOST})
    return keep_version(
        found, (*FIELDS, "next_at"), subject="schedule", before=before, expected=expected, actor=actor, reason=reason
    )


def _first(found: RunSchedule) -> Any:
    try:
        rule = Schedule.read(found.rule)
        if rule.every is not None and rule.every < SHORTEST:
            raise NotAllowed(_("Runs may follow each other every minute at most."))
        return next_run(rule, weekdays=found.weekdays, after=timezone.now())
    except ValueError as error:
        raise NotAllowed(_("Choose a time of day or a number of minutes, and at least one weekday.")) from error


def start_due() -> list[Run]:
    """Ask for the runs whose time has come, each once however many tickers there are.

    A ticker that was away begins a run once, not once for each time that it missed.
    """
    return [run for found in RunSchedule.objects.filter(is_active=True) if (run := _start(found)) is not None]


def _start(found: RunSchedule) -> Run | None:
    now = timezone.now()
    if found.next_at > now:
        return None
    following = next_run(Schedule.read(found.rule), weekdays=found.weekdays, after=now)
    with transaction.atomic():
        ours = RunSchedule.objects.filter(pk=found.pk, is_active=True, next_at=found.next_at).update(next_at=following)
        if not ours:
            return None
        if found.last and found.last.state in (RunState.WAITING, RunState.RUNNING):
            return None  # the last one still goes on: what it leaves, the next one finds
        run = ask(scope=RunScope(found.scope), actor=f"schedule:{found.pk}")
        RunSchedule.objects.filter(pk=found.pk).update(last=run)
    return run


def failures() -> dict[str, int]:
    """How many active schedules' last run failed, and the newest such run."""
    failed = RunSchedule.objects.filter(is_active=True, last__state=RunState.FAILED).values_list("last_id", flat=True)
    runs = [pk for pk in failed if pk]
    return {"failed": len(runs), "run": max(runs, default=0)}
