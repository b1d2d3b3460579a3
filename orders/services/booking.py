"""The booking saga: every item with its partner, side by side; all or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from orders.bells import ring
from orders.clients.registry import PARTNERS, partner
from orders.context import act_as
from orders.errors import NotAllowed
from orders.models import Item, Order, Saga, Step
from orders.queries.holds import holds_in_force
from orders.queries.stuck.limits import limits_in_force
from orders.resilience.outcome import Answered, Outcome, Refused, parsed
from orders.services import dispatching, refunds, sagas
from orders.states import InboundState, OrderState, OrderVerb, SagaState, SagaVerb, Service, StepState
from orders.transitions import move

PARTNER = {service: each.name for service, each in PARTNERS.items()}
NOT_KNOWN = 404
# A car that a person found by phone: no system knows of it.
BY_HAND = "hand"
CALL_DRIVER = Refused(0, "by_hand", "the car was sent by hand: call the driver")

# An item whose service has no partner is refused by the step's own column.
_OWE = """
WITH saga AS (
    INSERT INTO orders_saga (order_id, kind, state, due_at, deadline_at, failure, undone_for)
    SELECT owed.order_id, %(kind)s, %(running)s, begins_at, begins_at + %(limit)s, '', ''
    FROM unnest(%(orders)s::bigint[], %(begins)s::timestamptz[]) AS owed (order_id, begins_at)
    RETURNING id, order_id
)
INSERT INTO orders_step (saga_id, order_id, item_id, number, name, partner, state, key, partner_reference, answer)
SELECT saga.id, o.id, i.id, i.number, 'book ' || i.service, p.partner, %(pending)s,
       o.public_id || '-s' || saga.id || '-' || i.number, '', ''
FROM saga JOIN orders_order o ON o.id = saga.order_id JOIN orders_item i ON i.order_id = o.id
LEFT JOIN unnest(%(services)s::text[], %(partners)s::text[]) AS p (service, partner) ON p.service = i.service
ORDER BY o.id, i.number
"""


def start(order: Order) -> Saga:
    """Owe the order its booking. Lock: order; the same transaction as its payment."""
    start_all([order])
    return order.sagas.get(kind=BOOKING.kind, state=SagaState.RUNNING)


def start_all(orders: Sequence[Order]) -> None:
    """Owe each order its booking: a saga with a step for each item, in one statement. Lock: orders."""
    now, holds = timezone.now(), holds_in_force()
    act_as("worker")
    values: dict[str, Any] = {
        "orders": [order.pk for order in orders],
        "begins": [_begins_at(order, now, holds) for order in orders],
        "limit": sagas.LIMIT,
        "kind": BOOKING.kind,
        "running": SagaState.RUNNING.value,
        "pending": StepState.PENDING.value,
        "services": list(PARTNER),
        "partners": list(PARTNER.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWE, values)
    ring("saga")


def _begins_at(order: Order, now: datetime, holds: Mapping[str, timedelta]) -> datetime:
    """At once, or when a bank will no longer take the money back: counted from the payment, not from its news."""
    held = holds.get(order.method, timedelta(0)) if order.amount else timedelta(0)
    return max(now, order.entered_at + held)


def undo(order: Order, *, actor: str, reason: str) -> Saga | None:
    """Have everything done for this order undone, whatever kind of saga did it. Lock: order. None: nothing ran."""
    states = (SagaState.RUNNING, SagaState.SUCCEEDED, SagaState.NEEDS_HAND)
    saga = order.sagas.filter(state__in=states).order_by("-id").first()
    if saga is None:
        return None
    move(
        saga,
        SagaVerb.COMPENSATE,
        actor=actor,
        reason=reason,
        failure=reason[:200],
        undone_for=actor if actor.startswith("user:") else "",
        cause="",
        due_at=timezone.now(),
        tries=0,
    )
    ring("saga")
    return saga


class Booking:
    kind = "booking"

    def send(self, step: Step) -> Outcome[str]:
        booker = partner(_item(step).service)
        outcome = booker.book(step.order.public_id, item=_order_line(step), idempotency_key=step.key)
        return parsed(outcome, by=lambda booking: booking.booking_id)

    def ask(self, step: Step) -> Outcome[str | None]:
        outcome = partner(_item(step).service).ask_booking(step.key)
        return parsed(outcome, by=lambda found: found.booking_id if found else None)

    def undo(self, step: Step) -> Outcome[None]:
        if step.partner == BY_HAND:
            # Who has it undone was told to call the driver first; a machine cannot.
            return Answered(0, None) if step.saga.undone_for else CALL_DRIVER
        outcome = partner(_item(step).service).cancel(step.key, reason=step.saga.failure)
        if isinstance(outcome, Refused) and outcome.status == NOT_KNOWN:
            return Answered(outcome.status, None)
        return parsed(outcome, by=lambda booking: None)

    def begin(self, order: Order) -> bool:
        if order.state == OrderState.PAID:
            move(order, OrderVerb.BOOK, actor="worker")
        return order.state in (OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH)

    def is_waiting(self, step: Step) -> bool:
        return step.dispatches.filter(state__in=dispatching.WAITING).exists()

    def wait(self, order: Order, step: Step, reason: str) -> bool:
        if step.item is None or step.item.service != Service.TAXI:
            return False
        dispatching.enqueue(order, step, reason=reason)
        return True

    def is_complete(self, steps: Sequence[Step]) -> bool:
        return True

    def waiting(self, order: Order) -> bool:
        if order.state == OrderState.BOOKING:
            move(order, OrderVerb.QUEUE, actor="worker", reason="dispatch cannot be reached")
        return True

    def succeeded(self, order: Order, saga: Saga) -> None:
        dispatching.close_all(saga)
        move(order, OrderVerb.CONFIRM, actor="worker")
        _expect_ends(saga)
        # Trip events that came before the booking's answer wait for this moment.
        order.inbound.filter(state=InboundState.STORED).update(due_at=timezone.now())
        ring("inbound")

    def compensated(self, order: Order, saga: Saga) -> None:
        dispatching.close_all(saga)
        if order.state in (OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH):
            move(order, OrderVerb.FAIL, actor="worker", reason=saga.failure)
        if order.state in (OrderState.FAILED, OrderState.CANCELLED):
            refunds.refund_all(
                order,
                cause=f"saga:{saga.pk}",
                actor=saga.undone_for or "policy:compensation",
                reason=saga.failure,
            )


BOOKING = Booking()


def _expect_ends(saga: Saga) -> None:
    """From when each partner is asked about its trip, should its end not be told (`trip_inquiry`)."""
    limits, now = limits_in_force(), timezone.now()
    for step in saga.steps.select_related("item").filter(state=StepState.DONE).exclude(partner=BY_HAND):
        longest = limits.limit("order", OrderState.ACTIVE, _item(step).service)
        Step.objects.filter(pk=step.pk).update(due_at=now + longest if longest else None, tries=0)


def _item(step: Step) -> Item:
    if step.item is None:
        raise NotAllowed(f"{step} books no item")
    return step.item


def _order_line(step: Step) -> dict[str, Any]:
    item = _item(step)
    return {
        **item.details,
        "ref": str(item.number),
        "service": item.service,
        "city": step.order.city,
        "amount": item.amount,
        "name": step.order.customer_name,
        "phone": step.order.customer_phone,
    }
