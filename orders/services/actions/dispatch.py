"""What operators do to an order in the dispatch queue: send it again, or end its waiting by hand."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import DispatchEntry, OperatorAction, Order, Step
from orders.models.saga import LIVE_DISPATCH
from orders.services import booking, dispatch_desk, dispatching, placing, trips
from orders.services.actions import money_back
from orders.services.actions.carrying import carry_on
from orders.services.actions.verb import Result
from orders.states import DispatchState, DispatchVerb, OrderState, SagaState, StepVerb
from orders.transitions import lock, move, record

D = DispatchState
QUEUED: Final = (OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH)
BY_HAND: Final = booking.BY_HAND
DRIVER_CONFIRMED: Final = "dispatched by hand"


def entry_of(order: Order, params: Mapping[str, Any]) -> DispatchEntry | None:
    """The entry that is meant, or the oldest that is live."""
    entries = order.dispatches.select_related("step__saga", "order").order_by("created_at", "pk")
    if params.get("entry"):
        return entries.filter(pk=params["entry"]).first()
    return entries.filter(state__in=LIVE_DISPATCH).first()


def _not_live(order: Order, params: Mapping[str, Any]) -> str:
    """`by` in params is who wants it: only who holds an entry may end its waiting."""
    entry = entry_of(order, params)
    if entry is None or entry.state not in LIVE_DISPATCH:
        return _("It does not wait for a car any more.")
    if entry.state == D.SENDING:
        return _("It is being sent to the dispatch system at this moment.")
    if entry.step.saga.state != SagaState.RUNNING:
        return _("Its booking is being undone.")
    return dispatch_desk.why_not_theirs(entry, str(params["by"])) if "by" in params else ""


def send_not(order: Order, params: Mapping[str, Any]) -> str:
    entry = entry_of(order, params)
    is_free = entry is not None and entry.state == D.WAITING
    problem = _not_live(order, {"entry": params.get("entry")} if is_free else params)
    if problem or entry is None:
        return problem
    if entry.vehicle:
        return _("A car is assigned by hand; the dispatch system would send a second one.")
    if dispatching.pause():
        return _("The breaker of the dispatch system is open: nothing gets through.")
    return ""


def send(action: OperatorAction, order: Order) -> Result:
    """Give it to the dispatch system now, and look whether it took it."""
    with transaction.atomic():
        order = lock(order)
        entry = _locked(order, action)
        saga = lock(entry.step.saga)
        if entry.state == D.CLAIMED:
            dispatch_desk.mine_or_refused(entry, action.actor)
        # A worker that died here left it `sending`: the saga knows whether it was sent.
        if entry.state in dispatching.WAITING:
            dispatching.try_again(saga, entry, actor=action.actor)
    now = carry_on(action, saga)
    return Result(now.state in (OrderState.ACTIVE, OrderState.COMPLETED), _state(now))


def hand_not(order: Order, params: Mapping[str, Any]) -> str:
    problem = _not_live(order, params)
    entry = entry_of(order, params)
    if problem or entry is None:
        return problem
    return "" if entry.vehicle else _("Assign a car first.")


def dispatch_by_hand(action: OperatorAction, order: Order) -> Result:
    """The driver is on the way: the item counts as booked, by hand, and nobody asks the dispatch system."""
    with transaction.atomic():
        order = lock(order)
        entry = _locked(order, action)
        saga = lock(entry.step.saga)
        if entry.state != D.DISPATCHED:
            dispatch_desk.mine_or_refused(entry, action.actor)
            _write_dispatched(order, entry, action)
            dispatching.saga_again(saga)
    now = carry_on(action, saga)
    return Result(now.state in (OrderState.ACTIVE, OrderState.COMPLETED), _state(now))


def _write_dispatched(order: Order, entry: DispatchEntry, action: OperatorAction) -> None:
    actor, step = action.actor, lock(entry.step)
    car = {"vehicle": entry.vehicle, "driver": entry.driver}
    move(step, StepVerb.SEND, actor=actor, sent_at=timezone.now())
    reference = f"{entry.vehicle} {entry.driver}"[:80]
    move(step, StepVerb.FINISH, actor=actor, partner=BY_HAND, partner_reference=reference, answer=DRIVER_CONFIRMED)
    move(entry, DispatchVerb.DISPATCH, actor=actor, due_at=None)
    record(order, "dispatched_by_hand", actor=actor, subject=step, detail=car)


def cancelled_not(order: Order, params: Mapping[str, Any]) -> str:
    return _not_live(order, params)


def customer_cancelled(action: OperatorAction, order: Order) -> Result:
    """The customer waits no longer: cancel, undo what is booked, give back what was paid."""
    with transaction.atomic():
        order = lock(order)
        if order.state != OrderState.CANCELLED:
            entry = _locked(order, action)
            dispatch_desk.mine_or_refused(entry, action.actor)
            record(order, "customer_cancelled", actor=action.actor, reason=action.reason, subject=entry)
            placing.cancel_order(order, actor=action.actor, reason=action.reason)
    return _undone(action, order)


def give_up(action: OperatorAction, order: Order) -> Result:
    """No car is to be had: the order fails, what else was booked is undone, and the money goes back."""
    with transaction.atomic():
        order = lock(order)
        if order.state in QUEUED and _is_forward(order):
            entry = _locked(order, action)
            dispatch_desk.mine_or_refused(entry, action.actor)
            record(order, "dispatch_given_up", actor=action.actor, reason=action.reason, subject=entry)
            booking.undo(order, actor=action.actor, reason=action.reason)
    return _undone(action, order)


def _is_forward(order: Order) -> bool:
    forward = (SagaState.RUNNING, SagaState.NEEDS_HAND)
    return order.sagas.filter(kind=booking.BOOKING.kind, state__in=forward).exists()


def _undone(action: OperatorAction, order: Order) -> Result:
    saga = order.sagas.filter(kind=booking.BOOKING.kind).order_by("-id").first()
    now = carry_on(action, saga) if saga else Order.objects.get(pk=order.pk)
    is_over = now.state in (OrderState.CANCELLED, OrderState.FAILED)
    said = _state(now)
    if now.refunds.exists():
        said = f"{said} {money_back.on_its_way(now)}"
    return Result(is_over, said)


def end_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.state != OrderState.ACTIVE:
        return _("There is no trip under way.")
    if not Step.objects.filter(order=order, partner=BY_HAND).exists():
        return _("The dispatch system tells us when this trip ends.")
    return ""


def end_trip(action: OperatorAction, order: Order) -> Result:
    """The driver says that the customer has arrived: nobody else tells us of a trip sent by hand."""
    with transaction.atomic():
        order = lock(order)
        if order.state == OrderState.ACTIVE:
            trips.end_by_hand(order, actor=action.actor, reason=action.reason)
    now = Order.objects.get(pk=order.pk)
    return Result(now.state == OrderState.COMPLETED, _state(now))


def _locked(order: Order, action: OperatorAction) -> DispatchEntry:
    found = entry_of(order, action.params)
    if found is None:
        raise NotAllowed(_("It does not wait for a car any more."))
    entry = lock(found)
    entry.order = order
    return entry


def _state(order: Order) -> str:
    return _("The order is now %(state)s.") % {"state": order.state_label}
