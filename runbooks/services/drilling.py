"""Drills: a runbook gone through by a machine that dies, clicks twice and changes rows, and must do no harm.

It does what the runbook does, to what is there. `drain_all` does the work of the queues in this process: no Redis.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from orders.errors import NotAllowed, Refusal
from orders.leases import claim
from orders.models import OperatorAction
from orders.services import work
from runbooks.files import Book, Step
from runbooks.models import Deed, Guide, GuideEvent, GuideStep, Plan, PlanRow, Run
from runbooks.services import approving, guiding, operating
from runbooks.services.approving import Go
from runbooks.services.guiding import Said
from runbooks.states import GuideState, Risk, RowState, RunState, StepState

DRILLER: Final = "user:drill"
SECOND: Final = "user:drill-second"
QUEUES: Final = ("run", "deed", "action", "attempt", "inbound", "saga", "dispatch", "refund", "posting", "notice")
LONGEST: Final = timedelta(seconds=60)  # of one plan's run
_OPEN: Final = (RowState.PLANNED, RowState.RELEASED)


@dataclass
class Report:
    """What a drill did and found. It has passed when nothing is in `faults`."""

    book: Book
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.faults

    def say(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def must(self, holds: bool, said: str) -> None:  # noqa: FBT001 - a sentence about whether it holds
        if not holds:
            self.faults.append(said)
            self.lines.append(f"  FAULT: {said}")


PlanStep = Callable[[Guide, str], Plan]


def plan_step(guide: Guide, step_id: str) -> Plan:
    """What a person's click on "Plan it" does."""
    return guiding.plan(guide, step_id, actor=DRILLER)


def drill(book: Book, *, click: PlanStep = plan_step) -> Report:
    """Go through a runbook to its end with injected failures, and look whether any of them did harm.

    `click` plans a step; another one is given to see that the drill notices what goes wrong.
    """
    report = Report(book, lines=[f"{book.name}"])
    guide = guiding.begin(book, actor=DRILLER)
    while (row := GuideStep.objects.filter(guide=guide, state=StepState.CURRENT).first()) is not None:
        step = book.step(row.step)
        if step is None:
            report.must(False, f"there is no step {row.step}")
            break
        if step.kind == "act":
            _act(report, guide, step, click)
        _end(report, guide, step)
    guide.refresh_from_db()
    _timeline(report, guide)
    report.lines.append(f"  {'passed' if report.passed else 'FAILED'} as {guide.code}")
    return report


def _end(report: Report, guide: Guide, step: Step) -> None:
    """End the step, and click once more on the same page: the second click must do nothing."""
    choice = step.spec.choices[-1].to if step.kind == "decide" else ""
    said = Said(actor=DRILLER, note="drill", choice=choice)
    row = GuideStep.objects.get(guide=guide, step=step.id)
    end = guiding.skip if step.kind == "act" and row.plan is None else guiding.done
    end(guide, step.id, said)
    events = GuideEvent.objects.filter(guide=guide).count()
    report.must(_refused(lambda: end(guide, step.id, said)), f"{step.id}: a stale page moved it on")
    told = GuideEvent.objects.filter(guide=guide).count()
    report.must(told == events, f"{step.id}: a refused click was written down")


def _act(report: Report, guide: Guide, step: Step, click: PlanStep) -> None:
    try:
        plan = click(guide, step.id)
    except NotAllowed as refusal:
        report.say(f"{step.id}: {refusal}")
        return
    report.must(click(guide, step.id).pk == plan.pk, f"{step.id}: a double click made two plans")
    if not plan.eligible:
        report.say(f"{step.id}: nothing to act on, {plan.ineligible} left out")
        return
    run = _start(report, plan, step)
    if run is not None:
        _through(report, run, step)


def _start(report: Report, plan: Plan, step: Step) -> Run | None:
    go = Go(actor=DRILLER, hash=plan.hash, reason="drill", typed=approving.to_type(plan))
    needs_two = plan.risk == Risk.SECOND_PERSON
    try:
        if needs_two:
            approving.propose(plan, go)
            report.must(_refused(lambda: approving.approve(plan, go)), f"{step.id}: the proposer approved it")
            run = approving.approve(plan, Go(actor=SECOND, hash=plan.hash))
        else:
            run = approving.start(plan, go)
    except Refusal as refusal:
        report.say(f"{step.id}: {refusal}")
        return None
    second = Go(actor=SECOND, hash=plan.hash)
    start_again = approving.approve if needs_two else approving.start
    report.must(_refused(lambda: start_again(plan, second if needs_two else go)), f"{step.id}: it was started twice")
    report.must(Run.objects.filter(plan=plan).count() == 1, f"{step.id}: it has more than one run")
    return run


def _through(report: Report, run: Run, step: Step) -> None:
    """Workers that take their work and die, before others do it; a row that changed is left alone."""
    changed = _change_one(run.plan)
    deaths = 0
    until = time.monotonic() + LONGEST.total_seconds()
    while time.monotonic() < until:
        deaths += _die(run)
        drain_all(QUEUES)
        run.refresh_from_db()
        if run.state == RunState.PAUSED:
            _resume(run)
        if run.state in (RunState.FINISHED, RunState.CANCELLED):
            break
    counts = counts_of(run.plan)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    report.say(f"{step.id}: {run.plan.code} {run.state}, {told}; {deaths} workers died")
    report.must(run.state == RunState.FINISHED, f"{step.id}: its run did not end")
    report.must(not any(counts.get(state) for state in _OPEN), f"{step.id}: rows did not end")
    _once(report, run.plan, step)
    if changed is not None:
        changed.refresh_from_db()
        report.must(changed.state == RowState.SKIPPED, f"{step.id}: a changed row was acted on")


def _once(report: Report, plan: Plan, step: Step) -> None:
    """No row has two actions, and no action is without its row."""
    acted = OperatorAction.objects.filter(plan=plan.code).count() + Deed.objects.filter(plan=plan.code).count()
    rows = PlanRow.objects.filter(plan=plan).exclude(action=None, deed=None).count()
    report.must(acted == rows, f"{step.id}: {acted} actions for {rows} rows")


def _change_one(plan: Plan) -> PlanRow | None:
    """Somebody else changes an order of a large enough plan, between its approval and its turn."""
    row = plan.rows.filter(state=RowState.PLANNED).order_by("-place").select_related("order").first()
    if row is None or row.order is None or plan.eligible < 3 or plan.subject != "order":
        return None
    type(row.order)._base_manager.filter(pk=row.order.pk).update(version=F("version") + 1)
    return row


def _die(run: Run) -> int:
    """Take what is due and do nothing with it: a worker that was killed. Its leases run out at once."""
    models: Sequence[Any] = (Run, OperatorAction, Deed)
    taken = 0
    for model in models:
        rows: Sequence[Any] = claim(model, limit=1)
        taken += len(rows)
        model._base_manager.filter(pk__in=[row.pk for row in rows]).update(lease_until=timezone.now())
    return taken


def _resume(run: Run) -> None:
    """A person looks at why it paused, and lets it go on."""
    operating.resume(run, actor=DRILLER, reason="drill")


def drain_all(kinds: Sequence[str], *, rounds: int = 4) -> int:
    """Do everything that is due here, without Redis. How many rows."""
    done = 0
    for _round in range(rounds):
        some = sum(work.drain(kind, longest=10.0) for kind in kinds)
        done += some
        if not some:
            break
    return done


def work_off(plan: Plan) -> None:
    """Do the work of a started plan here until its run ends, pauses, or `LONGEST` is over. Without Redis."""
    until = time.monotonic() + LONGEST.total_seconds()
    while time.monotonic() < until and Run.objects.filter(plan=plan, state=RunState.RUNNING).exists():
        drain_all(QUEUES)


def counts_of(plan: Plan) -> Mapping[str, int]:
    """Rows of a plan by state, of those that were to be acted on."""
    return Counter(plan.rows.filter(place__isnull=False).values_list("state", flat=True))


def _timeline(report: Report, guide: Guide) -> None:
    """The run tells of its beginning, of every step it ended, and of its end."""
    told = list(GuideEvent.objects.filter(guide=guide).order_by("id").values_list("verb", "step"))
    ended = GuideStep.objects.filter(guide=guide, state__in=(StepState.DONE, StepState.SKIPPED))
    named = {step for verb, step in told if verb in {"done", "skip"}}
    report.must(guide.state == GuideState.FINISHED, "the run did not end")
    report.must(bool(told) and told[0][0] == "begin" and told[-1][0] == "finish", "its beginning or end is missing")
    report.must(set(ended.values_list("step", flat=True)) == named, "a step is missing in its history")


def _refused(do: Any) -> bool:
    try:
        do()
    except Refusal:
        return True
    return False
