"""Orders for the tests of one order's page, made by the services that make them in life."""

import json
import uuid
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from opsconsole.console.formats import WIB
from orders.models import Attempt, InboundEvent, Order
from orders.services import booking, callbacks, ledger
from orders.states import AttemptVerb, OrderVerb
from orders.transitions import lock, move
from tests.factories import make_attempt, make_order
from tests.orders.making import make_refund

GATEWAY = "gateway:midtrans"
CUSTOMER = {"email": "ani@example.id", "phone": "+628110001234", "first_name": "Ani"}


def waiting_order(**fields: Any) -> Order:
    """A link is open at Midtrans; nobody has paid, and nobody said a word."""
    order = make_order(**fields)
    attempt = make_attempt(order)
    with transaction.atomic():
        move(attempt, AttemptVerb.SEND, actor="worker")
        move(attempt, AttemptVerb.OPEN, actor=GATEWAY, link_url="https://pay.example/1", gateway_reference="mt-1")
        move(order, OrderVerb.OPEN_LINK, actor="worker", owning_attempt=attempt)
    return fresh(order)


def paid_order(**fields: Any) -> Order:
    """Paid, with its booking owed and not begun."""
    order = waiting_order(**fields)
    with transaction.atomic():
        order = lock(order)
        _charge(order.attempts.get(), order.amount)
        move(order, OrderVerb.PAY, actor=GATEWAY)
        booking.start(order)
    return fresh(order)


def late_order(**fields: Any) -> Order:
    """Cancelled, then paid: a person decides."""
    order = waiting_order(**fields)
    with transaction.atomic():
        order = lock(order)
        move(order, OrderVerb.CANCEL, actor="user:dewi", reason="customer called")
        _charge(order.attempts.get(), order.amount)
        move(order, OrderVerb.PAY_LATE, actor=GATEWAY)
    return fresh(order)


def refused_order(**fields: Any) -> Order:
    """Late money that its way of paying takes no refund of: a person transfers it."""
    order = late_order(**fields)
    attempt = order.attempts.get()
    Attempt.objects.filter(pk=attempt.pk).update(method="va_bca")
    make_refund(attempt, "failed")
    return order


def _charge(attempt: Attempt, amount: int) -> None:
    move(attempt, AttemptVerb.PAY, actor=GATEWAY, reason="settlement", answer="settlement")
    ledger.charge(attempt, amount=amount, at=timezone.now())


def transfer_of(order: Order, **given: Any) -> dict[str, Any]:
    """The evidence of a transfer of just now, as the form gives it."""
    key, now = order.refunds.get().key, timezone.now().astimezone(WIB)
    return {"refund": key, "reference": f"TRF {order.pk}", "transferred_at": f"{now:%Y-%m-%dT%H:%M}", **given}


def old(order: Order, minutes: int = 47) -> Order:
    """As if it had been where it is for so long."""
    past = timezone.now() - timedelta(minutes=minutes)
    Order.objects.filter(pk=order.pk).update(entered_at=past)
    Attempt.objects.filter(order=order).update(entered_at=past)
    return fresh(order)


def message_about(order: Order) -> InboundEvent:
    """A callback, stored and not judged."""
    message = callbacks.Message(
        source="midtrans",
        raw=json.dumps({"order_id": f"{order.public_id}-1", "customer_details": CUSTOMER}).encode(),
        headers={"content-type": "application/json", "user-agent": "Veritrans"},
        reference=f"{order.public_id}-1",
        claim="settlement",
        attempt=f"{order.public_id}-1",
    )
    return InboundEvent.objects.get(pk=callbacks.store(message))


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def asked(order: Order, **given: Any) -> dict[str, Any]:
    """What the form of an action posts."""
    return {"key": uuid.uuid4().hex, "version": order.version, "reason": "customer asked", **given}


def counted() -> dict[str, int]:
    """Rows of every table of the domain, and how often anything moved."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name.startswith("orders_")]
        parts = [f"SELECT '{name}', count(*) FROM {name}" for name in tables]  # noqa: S608
        parts.append("SELECT 'moves', coalesce(sum(version), 0) FROM orders_order")
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())
