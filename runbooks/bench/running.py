"""The last part of `bench plan --run N`: how many rows a second a run gets done, against what its neighbour takes.

The limit is the action's own rate: the most that the gateways are asked a second. Engine and workers take turns in one
process. A sandbox of its own answers; the orders stay in the database: run it on a scratch one.
"""

import time

from django.utils import timezone

from orders.bench.applying import own_sandbox, paid_attempts
from orders.bench.report import Report
from orders.leases import claim
from orders.services import work
from runbooks import policies
from runbooks.models import Plan, Run
from runbooks.registry import newest
from runbooks.services import approving, engine
from runbooks.services.approving import Go
from runbooks.services.planning import Ask, make_plan
from runbooks.states import Risk, RowState, RunState

LONGEST = 600.0  # seconds


def measure(report: Report, *, rows: int) -> None:
    """Paid orders of which nobody knows it yet; each row asks its gateway and applies the answer."""
    action = newest("recheck_payment")
    with own_sandbox():
        orders = [attempt.order_id for attempt in paid_attempts(rows)]
        ask = Ask(action=str(action), proposer="user:bench", kind=Plan.Kind.FILTER)
        plan = make_plan(orders, ask)
        began = time.perf_counter()
        run = _to_its_end(_started(plan))
        taken = time.perf_counter() - began
    fixed = plan.rows.filter(state=RowState.FIXED).count()
    report.add("the neighbours' own limit", action.rate, "/s", ratio=1.0, note=f"baseline, the rate of {action}")
    note = f"{fixed} of {rows} rows fixed, run {run.state}, waves of {', '.join(map(str, policies.WAVES))} and the rest"
    report.add("rows of a run", rows / taken, "/s", ratio=rows / taken / action.rate, note=note)


def _started(plan: Plan) -> Run:
    go = Go(actor=plan.proposer, hash=plan.hash, reason="bench", typed=policies.to_type(approving.size_of(plan)))
    if plan.risk != Risk.SECOND_PERSON:
        return approving.start(plan, go)
    approving.propose(plan, go)
    return approving.approve(plan, Go(actor="user:bench-two", hash=plan.hash, reason="bench", typed=go.typed))


def _to_its_end(run: Run) -> Run:
    until = time.monotonic() + LONGEST
    while run.state == RunState.RUNNING and time.monotonic() < until:
        for mine in claim(Run, limit=8):
            engine.work(mine)
        if not work.drain("action"):
            _wait_for_its_turn(run)
        run = Run.objects.get(pk=run.pk)
    return run


def _wait_for_its_turn(run: Run) -> None:
    due_at = Run.objects.values_list("due_at", flat=True).get(pk=run.pk)
    if due_at is not None:
        time.sleep(min(0.2, max(0.0, (due_at - timezone.now()).total_seconds())))
