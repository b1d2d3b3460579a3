"""A run whose workers die at every commit and every call, and whose Redis is emptied: it goes on and acts once.

The proof of money is in the sandbox's own books. Nobody lists the places (`tests/orders/crashes/kill_points`).
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from django.conf import settings

from opsconsole.paths import PROJECT
from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import DeadLetter, History, OperatorAction, Order, Refund, ResourceLock
from orders.services import rounds
from orders.states import OrderState, RefundState
from runbooks.models import Deed, Plan, PlanEvent, PlanRow, Run
from runbooks.services import approving, operating
from runbooks.services.planning import Ask, make_plan
from tests.orders.crashes.kill_points import FOLDER, met
from tests.orders.crashes.worker_environment import worker_environment
from tests.orders.flow import deliver, pay, place
from tests.orders.making import make_letter
from tests.orders.oracle import check_invariants
from tests.runbooks.planning import SARI, go, plan_of
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.timeout(240)]

# What a run is made of: workers must have died in each of these.
MODULES: Final = ("releasing.py", "settling.py", "engine.py", "deeds.py", "acting.py")
LETTERS: Final = 8


@pytest.fixture
def dying_workers(neighbours: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """Two workers of runs and three of actions that die at each place once; the folder tells where they have."""
    environ = worker_environment(neighbours) | {
        FOLDER: str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tests.orders.crashes.settings",
    }
    parents = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.orders.crashes.workers", count, queue],
            cwd=PROJECT,
            env=environ,
            start_new_session=True,
        )
        for count, queue in (("2", "bulk"), ("3", "act"))
    ]
    yield tmp_path
    for parent in parents:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait(10)


def empty_redis() -> None:
    """What Redis held of this test is gone: jobs, bells, breakers."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}*"):
        client.delete(key)
    for key in client.scan_iter("rq:*"):
        if client.type(key) == b"list":
            client.delete(key)
    client.close()


def has_ended(plan: Plan) -> bool:
    """Whatever a death paused is let go on, as a person would who looked."""
    run = Run.objects.get(plan=plan)
    if run.state == "paused":
        operating.resume(run, actor=SARI, reason="looked: workers died")
    return run.state == "finished"


def test_a_run_goes_on_after_its_workers_died_everywhere_and_redis_was_emptied(
    control: RemoteSandbox, receiver: Receiver, dying_workers: Path, record_property: Any
) -> None:
    control.speed(1)
    orders = [pay(place("card"), control, receiver) for _number in range(4)]
    for _number in range(LETTERS):
        make_letter()
    letters = list(DeadLetter.objects.order_by("pk").values_list("pk", flat=True))
    drain = make_plan(letters, Ask(action="drain_letter@1", proposer=SARI, kind=Plan.Kind.SELECTION))
    wait_until(lambda: swept(receiver, lambda: _are(orders, OrderState.ACTIVE)), seconds=90)
    money = plan_of([Order.objects.get(pk=order.pk) for order in orders], "cancel_order@1")
    for plan in (drain, money):
        approving.start(plan, go(plan))

    emptied = []

    def over() -> bool:
        if not emptied and PlanRow.objects.filter(state="fixed").count() >= 2:
            empty_redis()
            emptied.append(True)
        refunded = Refund.objects.filter(state=RefundState.SUCCEEDED).count() == len(orders)
        return has_ended(drain) and has_ended(money) and refunded

    wait_until(lambda: swept(receiver, over), seconds=150)

    assert emptied
    assert Counter(DeadLetter.objects.values_list("state", flat=True)) == {"discarded": LETTERS}
    assert Deed.objects.count() == LETTERS
    assert History.objects.filter(machine="letter", verb="discard").count() == LETTERS
    assert OperatorAction.objects.filter(plan=money.code).count() == len(orders)
    assert not ResourceLock.objects.exists()
    for plan in (drain, money):
        assert PlanEvent.objects.filter(plan=plan, verb="finish").count() == 1
    _assert_each_was_given_back_once(control, orders)
    for order in orders:
        check_invariants(order)
    places = met(dying_workers)
    for module in MODULES:
        assert any(f"/{module}:" in place for place in places), (module, sorted(places))
    record_property("places", len(places))


def swept(receiver: Receiver, look: Any) -> bool:
    """A moment of the platform: callbacks are delivered, the ticker rings for what is due."""
    deliver(receiver)
    rounds.sweep()
    return bool(look())


def _are(orders: list[Order], state: str) -> bool:
    found = Order.objects.filter(pk__in=[order.pk for order in orders], state=state)
    return found.count() == len(orders)


def _assert_each_was_given_back_once(control: RemoteSandbox, orders: list[Order]) -> None:
    """By the gateways' and the dispatch system's own books."""
    told: Counter[tuple[str, str]] = Counter()
    for gateway in ("midtrans", "xendit", "nicepay"):
        effects = control.books(gateway)["effects"]
        told += Counter((each["merchant_ref"].rsplit("-", 1)[0], each["effect"]) for each in effects)
    wanted = {(order.public_id, effect): 1 for order in orders for effect in ("charged", "refunded")}
    assert told == wanted
    trips = Counter(each["effect"] for each in control.books("tpg")["effects"])
    assert (trips["booked"], trips["cancelled"]) == (len(orders), len(orders))
