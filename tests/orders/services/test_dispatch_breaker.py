"""The dispatch queue while the breaker of TPG is open: it waits, and sends nothing."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import DispatchEntry, History
from orders.resilience import breaker
from orders.resilience.breaker import gate
from orders.services import breakers
from orders.states import DispatchState, OrderState
from tests.orders.flow import carry_on, drain, let_time_pass, pay, place
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


@pytest.fixture(autouse=True)
def touchy(settings: Any, neighbours: Any) -> Iterator[None]:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.BREAKERS = {"tpg": {"consecutive": 1, "open": 60.0, "probes": 1}}
    yield
    gate.forget()


def sent(entry: DispatchEntry) -> int:
    return History.objects.filter(machine="dispatch", subject_id=entry.pk, verb="send").count()


def test_a_queued_order_waits_while_the_breaker_is_open(control: RemoteSandbox, receiver: Receiver) -> None:
    control.faults("tpg", down=True)
    order = pay(place(), control, receiver)
    drain()
    control.no_faults()
    let_time_pass()
    drain()

    entry, seen = DispatchEntry.objects.get(order=order), breaker.state_of("tpg")
    assert seen.state == breaker.State.OPEN
    assert (entry.state, sent(entry)) == (DispatchState.WAITING, 0)
    assert entry.last_error == "the breaker of tpg is open"
    assert entry.due_at is not None
    assert seen.until is not None
    assert 1 <= (entry.due_at - seen.until).total_seconds() <= 10
    assert effects(control, "tpg") == []


def test_it_goes_out_once_the_breaker_lets_it(control: RemoteSandbox, receiver: Receiver, settings: Any) -> None:
    settings.BREAKERS = {"tpg": {"consecutive": 1, "open": 0.2, "probes": 1}}
    control.faults("tpg", down=True)
    order = pay(place(), control, receiver)
    drain()
    control.no_faults()
    wait_until(lambda: not breaker.state_of("tpg").is_open)
    let_time_pass()
    carry_on(order, receiver, until=OrderState.COMPLETED)

    assert DispatchEntry.objects.get(order=order).state == DispatchState.DISPATCHED
    assert effects(control, "tpg").count("booked") == 1
    assert breaker.state_of("tpg").state == breaker.State.CLOSED


@pytest.mark.django_db(transaction=True)
def test_a_breaker_forced_open_queues_a_new_order_without_a_call(control: RemoteSandbox, receiver: Receiver) -> None:
    until = timezone.now() + timedelta(minutes=10)
    breakers.force("tpg", "open", until=until, reason="BBD maintenance", actor="user:sari")
    order = pay(place(), control, receiver)
    drain()

    order.refresh_from_db()
    assert order.state == OrderState.QUEUED_FOR_DISPATCH
    assert [name for name in control.stats()["counts"] if name.startswith("tpg")] == []
