"""A worker that is killed while it talks to the outside: replaced soon, and nothing done twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opsconsole.paths import PROJECT
from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, Order, Saga, Step
from orders.services import rounds, work
from orders.states import AttemptState, OrderState, StepState
from tests.orders.crashes.worker_environment import worker_environment
from tests.orders.flow import past, place
from tests.sandbox_fixtures import effects, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("neighbours"),
    pytest.mark.timeout(120),
]

REPLACED_WITHIN = 15  # seconds (issue 2, section 3); the lease is 12

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(neighbours: dict[str, str]) -> Iterator[Start]:
    """Start a real worker process on the test database and the test's own Redis prefix."""
    started: list[subprocess.Popen[bytes]] = []
    environ = worker_environment(neighbours)

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "worker", "--queue", "act"]
        started.append(subprocess.Popen(command, cwd=PROJECT, env=environ, start_new_session=True))
        return started[-1]

    yield start
    for worker in started:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(10)


def swept(condition: Callable[[], Any], *, seconds: float) -> Any:
    """Wait as the ticker would: sweeping every round."""

    def look() -> Any:
        rounds.go({"sweep": rounds.ROUNDS["sweep"]})
        return condition()

    return wait_until(look, seconds=seconds, every=0.1)


def kill(worker: subprocess.Popen[bytes]) -> float:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(10)
    return time.monotonic()


def test_a_worker_killed_while_it_books_is_replaced_and_books_once(control: RemoteSandbox, start_worker: Start) -> None:
    order = place()
    control.pay(order.attempts.get().reference)
    Attempt.objects.update(due_at=past())
    control.faults("tpg", latency=3)
    first = start_worker()
    swept(lambda: Step.objects.filter(state=StepState.SENT).exists(), seconds=40)

    token = Saga.objects.get().token
    died = kill(first)
    start_worker()
    swept(lambda: Saga.objects.filter(token__gt=token).exists(), seconds=40)
    assert time.monotonic() - died < REPLACED_WITHIN
    swept(lambda: Order.objects.filter(state__in=(OrderState.ACTIVE, OrderState.COMPLETED)).exists(), seconds=40)

    assert effects(control, "tpg").count("booked") == 1
    assert Saga.objects.count() == 1


def test_a_worker_killed_while_it_makes_a_link_leaves_one_payable_link(
    control: RemoteSandbox, start_worker: Start
) -> None:
    control.faults("xendit", down=True)
    control.faults("nicepay", down=True)
    order = place("ovo")
    work.drain("attempt")
    control.faults("xendit", down=False, latency=3)
    Attempt.objects.filter(state=AttemptState.REQUESTED).update(due_at=past())
    first = start_worker()
    swept(lambda: Attempt.objects.filter(state=AttemptState.UNKNOWN).exists(), seconds=40)

    kill(first)
    control.no_faults()
    start_worker()
    swept(lambda: Order.objects.filter(state=OrderState.AWAITING_PAYMENT).exists(), seconds=60)

    live = Attempt.objects.filter(order=order, state__in=("requested", "unknown", "open"))
    assert [each.state for each in live] == [AttemptState.OPEN]
