"""Plans for tests, and the orders they are about."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders.leases import claim
from orders.models import OperatorAction, Order
from orders.services import actions, ledger, work
from orders.services.actions import Wish
from runbooks import policies
from runbooks.models import Plan, Run
from runbooks.services import approving, engine
from runbooks.services.approving import Go
from runbooks.services.planning import Ask, make_plan
from tests.orders.making import make_attempt, make_order

SARI, BUDI, RATNA, DEWI = "user:sari", "user:budi", "user:ratna", "user:dewi"


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
    return Go(**{"actor": actor, "hash": plan.hash, "reason": "they hang", "typed": sum_to_type(plan), **more})


def sum_to_type(plan: Plan) -> int:
    """What has to be typed again to start it."""
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


def wish(order: Order, name: str = "release_hold", **more: Any) -> Wish:
    """What a person posts from an order's own page."""
    given = {"actor": SARI, "reason": "it hangs", "expected_version": order.version, "key": uuid.uuid4().hex, **more}
    return Wish(name=name, **given)


def by_hand(order: Order, name: str = "release_hold", **more: Any) -> OperatorAction:
    """A person asks for it."""
    order.refresh_from_db()
    return actions.request(order, wish(order, name, **more))


def did(order: Order, name: str = "refund", status: str = "fixed", **more: Any) -> OperatorAction:
    """As if it had been done three minutes ago."""
    facts = {"finished_at": timezone.now() - timedelta(minutes=3), "expected_version": 1, "actor": DEWI, **more}
    return OperatorAction.objects.create(order=order, name=name, key=uuid.uuid4().hex, status=status, **facts)
