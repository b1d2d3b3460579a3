"""A trip whose end nobody told: its partner is asked, and the answer ends it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import History, Order, Posting, Refund, Step, Trip
from orders.services import work
from orders.states import OrderState, RefundState, StepState
from tests.orders.flow import PHONE, drain, past, pay, place
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


def active(control: RemoteSandbox, receiver: Receiver, *services: str, event: str = "completed") -> Order:
    """An order under way whose partners' events are all lost; the sandbox has come to `event`."""
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = pay(place("card", services=services), control, receiver)
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.ACTIVE
    for each in ("assigned", "picked_up", event):
        control.trip(order.public_id, event=each)
    wait_until(lambda: len(receiver.got) >= 3)
    receiver.got.clear()
    return order


def look() -> None:
    """The limit of every trip is over."""
    Trip.objects.update(due_at=past())
    work.drain("trip")


def test_a_trip_is_asked_about_when_its_limit_is_over_and_ended_by_the_answer(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = active(control, receiver, "taxi")
    trip = Trip.objects.get(order=order)
    assert trip.due_at is not None
    assert abs(trip.due_at - timezone.now() - timedelta(hours=6)) < timedelta(minutes=1)
    assert work.drain("trip") == 0

    look()

    order.refresh_from_db()
    told = History.objects.get(order_id=order.pk, verb="item_completed")
    assert (order.state, told.actor) == (OrderState.COMPLETED, "partner:tpg")
    assert told.reason == "tpg, when asked, said: completed"
    assert told.occurred_at == order.entered_at < told.recorded_at
    assert Posting.objects.filter(order=order).exists()
    assert not Trip.objects.exists()


def test_a_trip_that_goes_on_is_asked_about_later_and_ever_later(control: RemoteSandbox, receiver: Receiver) -> None:
    order = active(control, receiver, "taxi", event="picked_up")
    waits = []
    for _look in range(3):
        look()
        trip = Trip.objects.get(order=order)
        assert trip.due_at is not None
        waits.append(round((trip.due_at - timezone.now()).total_seconds() / 60))
    order.refresh_from_db()
    assert (order.state, waits) == (OrderState.ACTIVE, [15, 30, 60])
    assert trip.last_error == "tpg, when asked, said: picked_up"

    control.faults("tpg", down=True)
    look()
    trip.refresh_from_db()
    assert trip.last_error.startswith("tpg did not say: ")
    assert trip.due_at is not None


def test_a_trip_that_its_driver_cancelled_is_refunded(control: RemoteSandbox, receiver: Receiver) -> None:
    order = active(control, receiver, "taxi", event="cancelled_by_driver")

    look()
    drain()

    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert Refund.objects.get(order=order).state == RefundState.SUCCEEDED
    assert Step.objects.get(order=order).state == StepState.UNDONE


def test_an_order_of_two_trips_ends_with_the_second(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)
    drain()
    taxi, parcel = Step.objects.filter(order=order).order_by("number")
    control.trip(taxi.key, event="completed")
    look()
    order.refresh_from_db()
    assert order.state == OrderState.ACTIVE
    assert list(Trip.objects.values_list("pk", flat=True)) == [parcel.pk]

    control.trip(parcel.key, event="completed")
    look()

    order.refresh_from_db()
    assert order.state == OrderState.COMPLETED
    assert effects(control, "delivery").count("booked") == 1
