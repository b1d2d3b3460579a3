"""A call that a breaker turned away was no try: the saga waits for the breaker, for five minutes."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import TestCase
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Order, Saga, Step
from orders.resilience import breaker
from orders.resilience.breaker import gate
from orders.services import breakers, sagas
from orders.services.placing import cancel_order
from orders.states import OrderState, SagaState, StepState
from tests.orders.flow import PHONE, carry_on, drain, pay, place
from tests.sandbox_fixtures import Receiver, effects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]
SARI = "user:sari"


@pytest.fixture(autouse=True)
def touchy(settings: Any, neighbours: Any) -> Iterator[None]:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.BREAKERS = {"delivery": {"open": 60.0, "probes": 1}}
    yield
    gate.forget()


def turn_away() -> None:
    until = timezone.now() + timedelta(minutes=2)
    with TestCase.captureOnCommitCallbacks(execute=True):
        breakers.force("delivery", "open", until=until, reason="they asked us to", actor=SARI)


def let_through() -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        breakers.reset("delivery", reason="they are back", actor=SARI)


def saga_of(order: Order) -> tuple[Saga, Step]:
    saga = Saga.objects.get(order=order)
    return saga, saga.steps.get(partner="delivery")


def look(times: int) -> None:
    for _each in range(times):
        Saga.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease_until=None)
        drain()


def test_a_booking_waits_for_the_breaker_and_is_made_when_it_lets_it(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    turn_away()
    order = pay(place("card", services=("delivery",)), control, receiver)
    drain()
    look(5)

    saga, step = saga_of(order)
    assert (saga.state, step.state, step.tries) == (SagaState.RUNNING, StepState.PENDING, 0)
    until = breaker.state_of("delivery").until
    assert until is not None
    assert saga.due_at is not None
    assert abs(saga.due_at - until) < timedelta(seconds=1)
    assert effects(control, "delivery") == []

    let_through()
    look(1)
    carry_on(order, receiver, until=OrderState.COMPLETED)
    assert effects(control, "delivery").count("booked") == 1


def test_after_five_minutes_behind_the_breaker_the_money_goes_back(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "trip", "do": "stuck"})  # else the taxi may have arrived before it is cancelled
    turn_away()
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)
    drain()
    Saga.objects.update(deadline_at=timezone.now())
    look(2)

    saga, step = saga_of(order)
    order.refresh_from_db()
    assert (order.state, saga.state, step.state) == (OrderState.FAILED, SagaState.COMPENSATED, StepState.SKIPPED)
    assert saga.failure == "not done within 0:05:00"
    assert "cancelled" in effects(control, "tpg")


def test_an_undo_waits_for_the_breaker_and_only_then_for_a_person(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = pay(place("card", services=("delivery",)), control, receiver)
    drain()
    turn_away()
    order.refresh_from_db()
    cancel_order(order, actor=SARI, reason="customer called")
    drain()
    look(5)
    saga, step = saga_of(order)
    assert (saga.state, step.state, step.tries) == (SagaState.COMPENSATING, StepState.UNDOING, 0)

    Saga.objects.update(entered_at=timezone.now() - sagas.LIMIT)
    look(1)
    saga, step = saga_of(order)
    assert (saga.state, saga.cause, step.state) == (SagaState.NEEDS_HAND, "undo_not_sent", StepState.UNDO_FAILED)
    assert effects(control, "delivery").count("cancelled") == 0


def test_an_undo_that_waited_is_done_when_the_breaker_lets_it(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = pay(place("card", services=("delivery",)), control, receiver)
    drain()
    turn_away()
    order.refresh_from_db()
    cancel_order(order, actor=SARI, reason="customer called")
    drain()
    look(4)
    let_through()
    look(1)

    saga, step = saga_of(order)
    assert (saga.state, step.state) == (SagaState.COMPENSATED, StepState.UNDONE)
    assert effects(control, "delivery").count("cancelled") == 1
