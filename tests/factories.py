"""Rows with boring defaults, made through the services that make them in life."""

from typing import Any

from django.db import transaction

from orders.context import act_as
from orders.models import Attempt, Item, Order
from orders.states import AttemptState, OrderState

ITEM: dict[str, Any] = {"pickup": "Sudirman", "dropoff": "Kemang"}
_numbers = iter(range(1, 10**9))


def make_order(*, items: tuple[str, ...] = ("taxi",), amount: int = 50_000, **fields: Any) -> Order:
    """A freshly created order of `items`, each for `amount`, with no attempt yet."""
    number = next(_numbers)
    values = {
        "public_id": f"MRG-T{number}",
        "state": OrderState.CREATED,
        "service": items[0],
        "amount": amount * len(items),
        "method": "gopay",
        "city": "Jakarta",
        "customer_id": f"C-{number}",
        "customer_phone": f"+62811{number:07}",
        **fields,
    }
    with transaction.atomic():
        act_as("channel:app")
        order = Order.objects.create(**values)
        for place, service in enumerate(items, start=1):
            Item.objects.create(order=order, number=place, service=service, amount=amount, details=ITEM)
    return order


def make_attempt(order: Order, *, gateway: str = "midtrans", **fields: Any) -> Attempt:
    """A requested attempt; move it on with the services."""
    number = order.attempts.count() + 1
    values = {
        "order": order,
        "number": number,
        "gateway": gateway,
        "method": order.method,
        "amount": order.amount,
        "currency": order.currency,
        "reference": f"{order.public_id}-{number}",
        "state": AttemptState.REQUESTED,
        **fields,
    }
    with transaction.atomic():
        act_as("channel:app")
        return Attempt.objects.create(**values)
