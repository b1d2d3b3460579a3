"""Asking a partner about a trip that should be over: the event of its end may have been lost.

Partners send their events again for hours, but not for ever, and an application that was away longer hears nothing
more. So a trip that has been under way for longer than its service's limit is asked about by the booking's key,
on a ladder, until the answer ends it or a person does. A trip that was sent by hand is known to no system.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.clients.bookings import Booking
from orders.clients.registry import partner
from orders.leases import finish, hold
from orders.models import Order, Trip
from orders.resilience.outcome import Answered, Outcome, Refused
from orders.services import trips
from orders.states import OrderState
from orders.transitions import lock

COMPLETED: Final = "completed"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the partner's answer means, and the sentence that is kept with the step."""

    sentence: str
    ended_at: datetime | None = None
    is_called_off: bool = False

    @property
    def is_final(self) -> bool:
        return self.ended_at is not None or self.is_called_off


def work(trip: Trip) -> None:
    """One look at a trip that should be over, leased by the caller."""
    if trip.order.state != OrderState.ACTIVE or trip.item is None:
        finish(trip, due_at=None)
        return
    answer = _read(trip, partner(trip.item.service).ask_booking(trip.key))
    with transaction.atomic():
        order = lock(trip.order)
        hold(trip)
        again_at = None if answer.is_final else ladders.rung(ladders.TRIP, trip.tries)
        finish(trip, due_at=again_at, last_error=answer.sentence[:300])
        if order.state == OrderState.ACTIVE:
            _apply(order, trip, answer)


def _read(trip: Trip, outcome: Outcome[Booking | None]) -> _Answer:
    if not isinstance(outcome, Answered):
        return _Answer(f"{trip.partner} did not say: {_reason(outcome)}")
    found = outcome.data
    if found is None:
        return _Answer(f"{trip.partner} does not know the booking")
    said = f"{trip.partner}, when asked, said: {found.state}"
    if found.state == COMPLETED:
        return _Answer(said, ended_at=found.updated_at or timezone.now())
    return _Answer(said, is_called_off=not found.holds)


def _reason(outcome: Refused | Any) -> str:
    return outcome.code if isinstance(outcome, Refused) else str(outcome.reason)


def _apply(order: Order, trip: Trip, answer: _Answer) -> None:
    actor = f"partner:{trip.partner}"
    if answer.ended_at is not None:
        trips.end(order, trip, actor=actor, at=answer.ended_at, reason=answer.sentence)
    elif answer.is_called_off:
        trips.call_off(order, actor=actor, reason=answer.sentence)
