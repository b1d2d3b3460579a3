"""One run: bring our book up to date, compare each pairing, prove it, write it down."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from reconciliation.engines import FirstPass, first_pass_of
from reconciliation.models import Break, BreakEvent, Entry, Load, Run, RunTotal
from reconciliation.queries.totals import open_breaks
from reconciliation.services import engine, trials
from reconciliation.services.alone import alone
from reconciliation.services.entries import LOCK
from reconciliation.services.ours import copy_ours
from reconciliation.services.pairings import (
    THEIRS,
    Comparison,
    Reach,
    Unproved,
    feeds_of,
)
from reconciliation.services.rules import rules_in_force
from reconciliation.states import BreakVerb, LoadState, Pairing, RunScope, RunState, Side

MOST_TRIES: Final = 3  # workers that one run may cost before it is given up
GROWN: Final = 2  # times as many lines as PostgreSQL knows of
SIGNS_OF_LIFE: Final = 0.25  # seconds between two of them: each is a commit that the run waits for
_LOCK: Final = 0x2C0D  # advisory lock: the class, beside the run's id
Progress = Callable[[str, int, float], None]


def ask(
    *,
    scope: RunScope = RunScope.CHANGES,
    window: tuple[date, date] | None = None,
    dry: bool = False,
    actor: str = "",
    trial: Mapping[str, Any] | None = None,
) -> Run:
    """Write down that a run is wanted; `work` does it. `scope` is WINDOW exactly if `window` is given.

    With `trial`, fields of `Rules`, the run only rehearses what these rules would change.
    """
    run = Run(scope=scope, is_dry=dry or bool(trial), actor=actor, rules=rules_in_force(), state=RunState.WAITING)
    run.trial = dict(trial or {})
    if window is not None:
        run.scope, (run.window_from, run.window_to) = RunScope.WINDOW, window
    run.save()
    return run


def work(run_id: int) -> Run | None:
    """Do a run that waits, or whose worker died. None where another is at it, or it waits no more."""
    with alone(_LOCK, run_id) as is_ours:
        run = Run.objects.filter(pk=run_id, state__in=(RunState.WAITING, RunState.RUNNING)).first()
        if not is_ours or run is None:
            return None
        if run.state == RunState.RUNNING and not 0 < run.tries < MOST_TRIES:
            _end(run, RunState.FAILED, _("The process that did it died; nothing was written."))
            return run
        run.tries += 1
        return _perform(run)


def reconcile(
    *,
    scope: RunScope = RunScope.CHANGES,
    window: tuple[date, date] | None = None,
    dry: bool = False,
    actor: str = "",
    progress: Progress = lambda name, rows, seconds: None,
    on: str = "postgresql",
) -> Run:
    """Compare the books here and now and keep the result; `dry`: keep only the run and its totals.

    `on` names the engine of the first pass (`reconciliation.engines`); raises EngineMissing before anything is written.

    A run of changes turns into a full one where there is none to build on, or the rules changed
    since. A run whose results do not add up to the books is `failed`, says so, and leaves everything as it was.
    """
    with nullcontext() if on == "postgresql" else first_pass_of(on) as elsewhere:
        run = ask(scope=scope, window=window, dry=dry, actor=actor)
        run.engine = on
        with alone(_LOCK, run.pk):
            return _perform(run, progress, elsewhere)


def _perform(
    run: Run,
    progress: Progress = lambda name, rows, seconds: None,
    elsewhere: FirstPass | None = None,
) -> Run:
    run.state, run.started_at, run.phases = RunState.RUNNING, timezone.now(), []
    run.save()
    counted: list[RunTotal] = []
    try:
        copy_ours()
        with transaction.atomic():
            counted = _judge(run, progress, elsewhere)
            transaction.set_rollback(run.is_dry)
    except Unproved as problem:
        run.state, run.said = RunState.FAILED, str(problem)[:400]
    except BaseException as problem:
        _end(run, RunState.FAILED, f"{type(problem).__name__}: {problem}")
        raise
    RunTotal.objects.bulk_create(counted)
    _end(run, run.state, run.said)
    return run


def _end(run: Run, state: str, said: str) -> None:
    run.state, run.said, run.ended_at = state, said[:400], timezone.now()
    if not connection.needs_rollback:
        run.save()


def _judge(run: Run, progress: Progress, elsewhere: FirstPass | None) -> list[RunTotal]:
    """Holds the intake lock, so that the books stand still: `id <= up_to_entry` is all there is."""
    engine.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    _tell_the_planner()
    run.up_to_entry = Entry.objects.aggregate(last=Max("id"))["last"] or 0
    reach, comparisons = _reach(run), []
    with _telling(run, progress) as tell:
        if run.trial:
            run.summary, run.state = trials.effect(run.trial, reach, run.started_at, tell), RunState.DONE
            return []
        for pairing in Pairing:
            if feeds_of(pairing):
                comparison = Comparison(pairing, reach, rules_in_force(), run.started_at, tell, elsewhere=elsewhere)
                comparison.compare()
                comparison.write(run)
                comparisons.append(comparison)
    results = [[each.pairing, each.digest, sorted(each.counted)] for each in comparisons]
    run.digest = hashlib.sha256(json.dumps(results).encode()).hexdigest()
    run.summary, run.state = _summary(run), RunState.DONE
    return [total for each in comparisons for total in _totals(run, each)]


def _tell_the_planner() -> None:
    """What a load or a run has just made much larger is read wrongly until PostgreSQL has looked at it again."""
    lines = Load.objects.filter(state=LoadState.LOADED).aggregate(lines=Sum("new"))["lines"] or 0
    for held, tables in (lines, "reconciliation_entry"), (open_breaks(), "reconciliation_break, reconciliation_match"):
        first = tables.partition(",")[0]
        known = engine.execute("SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = %s::regclass", [first])[0][0]
        if held > GROWN * known:
            engine.execute(f"ANALYZE {tables}")


def _reach(run: Run) -> Reach:
    if run.window_from is not None and run.window_to is not None:
        return Reach(RunScope.WINDOW, window=(run.window_from, run.window_to))
    before = (
        Run.objects.filter(state=RunState.DONE, is_dry=False, scope__in=(RunScope.CHANGES, RunScope.FULL))
        .order_by("-id")
        .first()
    )
    if run.scope == RunScope.FULL or before is None or before.rules_id != run.rules_id:
        run.scope = RunScope.FULL
        return Reach(RunScope.FULL)
    return Reach(RunScope.CHANGES, after=before.up_to_entry)


def _totals(run: Run, comparison: Comparison) -> Iterator[RunTotal]:
    sides = {"ours": Side.OURS, "theirs": THEIRS[comparison.pairing]}
    for each in comparison.counted:
        yield RunTotal(
            run=run,
            pairing=comparison.pairing,
            side=sides[each.book],
            currency=each.currency,
            outcome=each.outcome,
            why=each.why,
            lines=each.lines,
            amount=each.amount,
        )


def _summary(run: Run) -> dict[str, int]:
    events = BreakEvent.objects.filter(run=run)
    return {
        "found": Break.objects.filter(found_by=run).count(),
        "healed": events.filter(verb=BreakVerb.HEAL).count(),
        "reopened": events.filter(verb=BreakVerb.REOPEN).count(),
        "changed": events.filter(verb=BreakVerb.CHANGE).count(),
        "open": open_breaks(),
    }


@contextmanager
def _telling(run: Run, progress: Progress) -> Iterator[Callable[[str, int], None]]:
    """Write finished phases down, by a connection of its own: the run's transaction shows nothing until it ends.

    Where we are inside somebody else's transaction, nobody else could see the run anyway. The run's own
    transaction must not touch the run's row, or the two would wait for each other.
    """
    own = None if len(connection.savepoint_ids) else connection.copy()
    began, told = time.perf_counter(), 0.0

    def tell(name: str, rows: int) -> None:
        nonlocal began, told
        seconds, began = time.perf_counter() - began, time.perf_counter()
        run.phases.append([name, rows, round(seconds, 3)])
        progress(name, rows, seconds)
        if own is not None and began - told > SIGNS_OF_LIFE:
            told = began
            with own.cursor() as cursor:
                cursor.execute(
                    "UPDATE reconciliation_run SET phases = %s, up_to_entry = %s WHERE id = %s",
                    [json.dumps(run.phases), run.up_to_entry, run.pk],
                )

    try:
        yield tell
    finally:
        if own is not None:
            own.close()
