"""Plans for tests, and the orders they are about."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders.leases import claim
from orders.models import Order
from orders.services import ledger, work
from runbooks import policies
from runbooks.models import Plan, Run
from runbooks.services import approving, engine
from runbooks.services.approving import Go
from runbooks.services.planning import Ask, make_plan
from tests.orders.making import make_attempt, make_order

SARI, BUDI, RATNA = "user:sari", "user:budi", "user:ratna"


def charged(state: str = "paid_after_close", *, amount: int = 150_000, **fields: Any) -> Order:
    """An order whose money we hold."""
    order = make_order(state, amount=amount, **fields)
    attempt = make_attempt(order, "paid")
    with transaction.atomic():
        ledger.charge(attempt, amount=amount, at=timezone.now())
    return order


def plan_of(orders: Sequence[Order], action: str = "recheck_payment@1", *, proposer: str = SARI, **more: Any) -> Plan:
    given = {"kind": Plan.Kind.SELECTION, **more}
    return make_plan([order.pk for order in orders], Ask(action=action, proposer=proposer, **given))


def held(**fields: Any) -> Order:
    """An order on hold: what `release_hold` is for, which asks no neighbour."""
    return make_order("paid", held_until=timezone.now() + timedelta(hours=1), hold_reason="fraud check", **fields)


def go(plan: Plan, actor: str = SARI, **more: Any) -> Go:
    """What somebody posts who read the plan's page."""
    return Go(**{"actor": actor, "hash": plan.hash, "reason": "they hang", "typed": _sum(plan), **more})


def _sum(plan: Plan) -> int:
    return policies.to_type(approving.size_of(plan))


def turn(run: Run) -> Run:
    """One turn of the engine, as if its time had come."""
    Run.objects.filter(pk=run.pk, due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=5))
    for mine in claim(Run, limit=8):
        engine.work(mine)
    return Run.objects.get(pk=run.pk)


def run_on(run: Run, *, until: str = "finished", turns: int = 60) -> Run:
    """Turns of the engine and of the workers of actions, until the run is in that state."""
    for _turn in range(turns):
        run = turn(run)
        if run.state == until:
            return run
        work.drain("action")
    raise AssertionError(f"{run} after {turns} turns, wave {run.wave}, {run.paused_for} {run.waits_for}")


def states(plan: Plan) -> list[str]:
    """Of the rows, in the order in which they were planned."""
    return list(plan.rows.order_by("id").values_list("state", flat=True))
