"""Placing and cancelling an order.

The order must exist whatever the gateways do; its link may be pending. The caller is answered
within its 3 s budget (domain, section 3).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.bells import ring
from orders.context import act_as
from orders.errors import NotAllowed
from orders.leases import claim_one
from orders.models import Cart, Item, Order
from orders.services import booking, links, refunds
from orders.services.routing import route
from orders.states import AttemptState, OrderState, OrderVerb
from orders.transitions import lock, move

LINK_BUDGET = 2.2  # seconds of the 3 s that an order may take
LEAST_TRY = 0.3  # seconds; with less left a gateway would only be left unanswered
CANCELLABLE_BY_CUSTOMER = (OrderState.CREATED, OrderState.AWAITING_PAYMENT, OrderState.PAID)


@dataclass(frozen=True, slots=True)
class Customer:
    id: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class NewItem:
    """One item to be booked; `amount` in minor units of the order's currency."""

    service: str
    amount: int
    details: Mapping[str, Any] = field(default_factory=dict)


def place_order(
    *,
    channel: str,
    customer: Customer,
    items: Sequence[NewItem],
    method: str,
    city: str = "",
    promo_code: str = "",
    discount: int = 0,
    notes: Mapping[str, Any] | None = None,
    cart: Cart | None = None,
) -> Order:
    """Insert the order, then try once to make its payment link; where nothing is to be paid it is booked at once.

    Raises NotAllowed where nothing can be placed; never fails for a gateway. `cart` is marked as
    ordered in the same transaction, so one cart never becomes two orders.
    """
    route(method)
    if not items:
        raise NotAllowed("an order needs at least one item")
    order = insert_order(
        channel=channel,
        customer=customer,
        items=items,
        discount=discount,
        cart=cart,
        fields={
            "method": method,
            "city": city,
            "promo_code": promo_code,
            "notes": dict(notes or {}),
        },
    )
    try_links(order)
    return Order.objects.get(pk=order.pk)


@transaction.atomic
def insert_order(
    *,
    channel: str,
    customer: Customer,
    items: Sequence[NewItem],
    discount: int,
    cart: Cart | None,
    fields: Mapping[str, Any],
    begin: Callable[[Order], Any] | None = None,
) -> Order:
    """The order and what it begins with: its first attempt to be paid, or what `begin` does, in one transaction."""
    now = timezone.now()
    act_as(f"channel:{channel}")
    order = Order.objects.create(
        **_numbered(),
        state=OrderState.CREATED,
        channel=channel,
        service=items[0].service,
        amount=max(0, sum(item.amount for item in items) - discount),
        placed_at=now,
        expires_at=now + settings.PAYMENT_WINDOW,
        **_named(customer),
        **fields,
    )
    _insert_items(order, items)
    _mark_ordered(cart, order)
    (begin or _begin)(order)
    return order


def _begin(order: Order) -> None:
    if order.amount:
        links.add_attempt(order, actor=f"channel:{order.channel}", due_at=_not_before(order.placed_at))
    else:
        count_as_paid(order)
        booking.start(order)


def count_as_paid(order: Order) -> None:
    """Nothing is to be paid, so no gateway is asked (ADR 0119). Lock: order."""
    move(order, OrderVerb.PAY, actor="policy:nothing-to-pay", reason="the promo covers the whole price")


def _named(customer: Customer) -> dict[str, str]:
    return {f"customer_{name}": value for name, value in asdict(customer).items()}


def _numbered() -> dict[str, Any]:
    number = _next_number()
    return {"id": number, "public_id": f"MRG-{number}"}


def _next_number() -> int:
    """The order's number, taken first because people read it in the public id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('orders_order', 'id'))")
        return int(cursor.fetchone()[0])


def _insert_items(order: Order, items: Sequence[NewItem]) -> None:
    Item.objects.bulk_create(
        Item(
            order=order,
            number=number,
            service=item.service,
            amount=item.amount,
            details=dict(item.details),
        )
        for number, item in enumerate(items, start=1)
    )


def _mark_ordered(cart: Cart | None, order: Order) -> None:
    """The cart as the caller read it: one that was ordered or changed meanwhile is refused."""
    as_read = Cart.objects.filter(pk=cart.pk, order=None, revision=cart.revision) if cart else None
    if as_read is not None and not as_read.update(order=order):
        raise NotAllowed(_("This cart was ordered or changed meanwhile."))


def _not_before(now: datetime) -> datetime:
    """A worker leaves the attempt to the caller for as long as the caller's own try may take."""
    return now + timedelta(seconds=LINK_BUDGET + 1)


def try_links(order: Order) -> None:
    """Make the link at once; where a gateway certainly did nothing, at the next one, while there is time."""
    until = time.monotonic() + LINK_BUDGET
    for _gateway in route(order.method):
        left = until - time.monotonic()
        attempt = order.attempts.filter(state=AttemptState.REQUESTED).order_by("number").last()
        mine = claim_one(attempt) if attempt and left > LEAST_TRY else None
        if mine is None or mine.state != AttemptState.REQUESTED:
            return
        links.make_link(mine, deadline=left)


def cancel_order(order: Order, *, actor: str, reason: str, by_customer: bool = False) -> None:
    """Cancel, make its links unpayable, and give back what was paid. Raises a Refusal.

    A customer may cancel until booking begins; staff until the trip ends.
    """
    with transaction.atomic():
        order = lock(order)
        if by_customer and order.state not in CANCELLABLE_BY_CUSTOMER:
            raise NotAllowed(f"{order} is {order.state}: only staff can cancel it now")
        move(order, OrderVerb.CANCEL, actor=actor, reason=reason)
        close_attempts(order)
        # What is booked is undone first, and its end gives the money back.
        if booking.undo(order, actor=actor, reason=reason) is None:
            refunds.refund_all(order, cause="cancelled", actor=actor, reason=reason)


def close_attempts(order: Order) -> None:
    """Have the janitor close every attempt that could still be paid. Lock: order."""
    live = order.attempts.filter(state__in=(AttemptState.REQUESTED, AttemptState.UNKNOWN, AttemptState.OPEN))
    if live.update(due_at=timezone.now()):
        ring("attempt")
