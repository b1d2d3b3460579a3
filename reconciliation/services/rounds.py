"""What reconciliation has to do by the clock: read Head Office on, go on with loads, see which feed is late,
mail reports."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from orders import bells
from orders.services.rounds import Clock
from reconciliation.models import Feed, Load, Run
from reconciliation.schedules import Schedule, is_due
from reconciliation.services import bridges, feeds, report_files, report_mails, report_schedules, run_schedules
from reconciliation.states import LoadState, RunState

QUEUE: Final = "bulk"
LONGEST_LOAD: Final = timedelta(hours=2)
LONGEST_PULL: Final = timedelta(minutes=5)
LONGEST_RUN: Final = timedelta(hours=2)
LONGEST_MAIL: Final = timedelta(minutes=2)
LOST: Final = timedelta(seconds=20)  # a load without a sign of life for so long has lost its worker, or its bell
_HUSH: Final = timedelta(seconds=5)


def ring_load(load_id: int) -> None:
    """Have a worker read a load, after the running transaction."""
    transaction.on_commit(lambda: _ring("load", load_id, LONGEST_LOAD), robust=True)


def ring_for_loads() -> dict[str, int]:
    """Loads that nobody reads: the bell was lost, or the worker."""
    silent = timezone.now() - LOST
    waiting = Load.objects.filter(Q(read_at=None) | Q(read_at__lt=silent), state=LoadState.READING).exclude(file="")
    return {"rang": sum(_ring("load", pk, LONGEST_LOAD) for pk in waiting.values_list("pk", flat=True)[:50])}


def ring_run(run_id: int) -> None:
    """Have a worker do a run, after the running transaction."""
    transaction.on_commit(lambda: _ring("run", run_id, LONGEST_RUN), robust=True)


def ring_for_runs() -> dict[str, int]:
    """Runs whose bell or whose worker was lost. A worker that is still at one keeps others out by its lock."""
    asked = timezone.now() - LOST
    not_ended = Run.objects.filter(state__in=(RunState.WAITING, RunState.RUNNING), started_at__lt=asked)
    return {
        "rang": sum(_ring("run", pk, LONGEST_RUN) for pk in not_ended.order_by("pk").values_list("pk", flat=True)[:20])
    }


def start_scheduled_runs() -> dict[str, int]:
    """Begin the runs whose time has come, and say how many schedules' last run failed, and which one did."""
    for run in run_schedules.start_due():
        ring_run(run.pk)
    return run_schedules.failures()


def ring_for_pulls() -> dict[str, int]:
    """Feeds whose book is read in pages and is due."""
    now = timezone.now()
    due = [
        feed.pk
        for feed in Feed.objects.filter(is_active=True).exclude(schedule="")
        if is_due(Schedule.read(feed.schedule), read_at=feed.read_at, now=now)
    ]
    return {"rang": sum(_ring("pull", pk, LONGEST_PULL) for pk in due)}


def send_reports() -> dict[str, int]:
    """Begin the sendings whose time has come, write down the mails of those whose file is there, ring for the mails."""
    began = len(report_schedules.start_due())
    wrote = report_mails.write_down()
    rang = sum(_ring("mail", pk, LONGEST_MAIL, queue="notify") for pk in report_mails.waiting())
    return {"began": began, "wrote": wrote, "rang": rang}


def look_after_feeds() -> dict[str, Any]:
    feeds.make_defaults()
    return feeds.look_after()


def _ring(job: str, row: int, timeout: timedelta, *, queue: str = QUEUE) -> bool:
    return bells.ring_for(f"reconciliation.jobs.{job}", row, queue=queue, timeout=timeout, hush=_HUSH)


ROUNDS: Final[Mapping[str, Clock]] = {
    "loads": Clock(5, ring_for_loads),
    "pulls": Clock(5, ring_for_pulls),
    "runs": Clock(5, ring_for_runs),
    "run-schedules": Clock(5, start_scheduled_runs),
    "feeds": Clock(30, look_after_feeds),
    "days": Clock(30, bridges.refresh_days),
    "report-files": Clock(30, report_files.keep_up),
    "report-mails": Clock(5, send_reports),
}
