"""What partners tell of trips: assigned, picked up, completed, cancelled by the driver."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from orders.clients.trip_events import TripEvent
from orders.errors import IllegalEdge
from orders.models import DispatchEntry, History, Order, Step, Trip
from orders.services import booking, posting
from orders.services.judgement import Verdict
from orders.states import InboundVerb, OrderState, OrderVerb, StepState
from orders.transitions import lock, move, record

ENDED = "completed"
TOLD = {"assigned": "driver_assigned", "picked_up": "picked_up", ENDED: "item_completed"}
BEFORE_ACTIVE = (OrderState.PAID, OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH)


@transaction.atomic
def apply(event: TripEvent) -> Verdict | None:
    """Apply one trip event. None: too early, the booking's own answer has not arrived."""
    step = Step.objects.filter(partner=event.partner, partner_reference=event.booking_id).first()
    if step is None:
        return _early(event)
    order = lock(step.order)
    if order.state in BEFORE_ACTIVE:
        return None
    if event.event == "cancelled_by_driver":
        return _cancelled(order, event)
    return _told(order, step, event)


def _early(event: TripEvent) -> Verdict | None:
    known = Order.objects.filter(public_id=event.order_ref).exists()
    return None if known else Verdict(InboundVerb.QUARANTINE, f"no order {event.order_ref} here")


def _told(order: Order, step: Step, event: TripEvent) -> Verdict:
    verb = TOLD[event.event]
    if _was_told(order, step, verb):
        return Verdict(InboundVerb.REPEAT, f"item {step.number}: {event.event} was known")
    if order.state not in (OrderState.ACTIVE, OrderState.COMPLETED):
        return Verdict(InboundVerb.REFUSE, f"{event.event}, but the order is {order.state}")
    detail = {"item": step.number, "vehicle": event.vehicle, "driver": event.driver}
    record(
        order,
        verb,
        actor=f"partner:{event.partner}",
        subject=step,
        at=event.at,
        detail={name: value for name, value in detail.items() if value},
    )
    if event.event == ENDED and _complete(order, actor=f"partner:{event.partner}", at=event.at):
        return Verdict(InboundVerb.APPLY, "the trip ended: order completed")
    return Verdict(InboundVerb.APPLY, f"item {step.number}: {event.event}")


def _complete(order: Order, *, actor: str, at: datetime) -> bool:
    """Whether that was the last item: then the order is over, and Head Office is owed an entry."""
    if order.state != OrderState.ACTIVE or _under_way(order).exists():
        return False
    move(order, OrderVerb.COMPLETE, actor=actor, at=at)
    Trip.objects.filter(order=order).update(due_at=None)
    posting.owe_payment(order)
    DispatchEntry.objects.filter(order=order, freed_at=None).update(freed_at=timezone.now())
    return True


def end_by_hand(order: Order, *, actor: str, reason: str) -> None:
    """A person says that the trips which were sent by hand are over. Lock: order."""
    now = timezone.now()
    for step in Step.objects.filter(order=order, partner=booking.BY_HAND, state=StepState.DONE):
        end(order, step, actor=actor, at=now, reason=reason)


def end(order: Order, step: Step, *, actor: str, at: datetime, reason: str) -> None:
    """Somebody says that this trip was over at `at`, without an event of the partner. Lock: order."""
    if not _was_told(order, step, TOLD[ENDED]):
        record(order, TOLD[ENDED], actor=actor, reason=reason, subject=step, at=at, detail={"item": step.number})
    _complete(order, actor=actor, at=at)


def _was_told(order: Order, step: Step, verb: str) -> bool:
    told = History.objects.filter(order_id=order.pk, machine="step", subject_id=step.pk, verb=verb)
    return told.exists()


def _under_way(order: Order) -> QuerySet[Step]:
    """The trips of this order that nobody has said are over."""
    ended = History.objects.filter(order_id=order.pk, machine="step", verb=TOLD[ENDED])
    return Step.objects.filter(order=order, state=StepState.DONE).exclude(pk__in=ended.values("subject_id"))


def _cancelled(order: Order, event: TripEvent) -> Verdict:
    try:
        call_off(order, actor=f"partner:{event.partner}", reason="cancelled by the driver")
    except IllegalEdge:
        return Verdict(InboundVerb.REFUSE, f"cancelled by the driver, but {order.state}")
    return Verdict(InboundVerb.APPLY, "cancelled by the driver: money goes back")


def call_off(order: Order, *, actor: str, reason: str) -> None:
    """The partner will not carry it out: cancelled, undone, refunded. Lock: order. Raises IllegalEdge."""
    move(order, OrderVerb.CANCEL, actor=actor, reason=reason)
    booking.undo(order, actor=actor, reason=reason)
