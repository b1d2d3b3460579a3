"""From a cart to its order or its checkout, and to a link the customer can pay by."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed, Refusal
from orders.leases import after
from orders.models import Cart, Order
from orders.services import carts, checkout_saga, links, pausing, placing
from orders.services.cart_content import Content, Pricing, PromoStatus
from orders.services.carts import CartMoved, CartOrdered, SeenCart
from orders.services.placing import LINK_BUDGET, Customer, NewItem, try_links
from orders.services.routing import LIVE, route
from orders.states import AttemptState, Service
from orders.transitions import lock


class CartIncomplete(Refusal):
    """Something is missing; the sentence says what."""


def order_cart(cart_id: uuid.UUID, *, channel: str, method: str, revision: int | None = None) -> tuple[Order, bool]:
    """(order, made): the order of this cart, whoever asks and however often.

    `revision` is what the customer agreed to; CartMoved is raised where the cart is another by now.
    Raises CartIncomplete for a cart that cannot be ordered, CartOrdered for one that was ordered in
    another way, ChannelPaused while an operator has paused the channel.
    """
    return _become(_place, cart_id, channel=channel, method=method, revision=revision)


def check_out_cart(cart_id: uuid.UUID, *, channel: str, method: str, revision: int | None = None) -> tuple[Order, bool]:
    """As `order_cart`, for a cart of goods: the order is placed and its checkout is owed (ADR 0041)."""
    return _become(_check_out, cart_id, channel=channel, method=method, revision=revision)


def _become(
    place: Callable[..., Order], cart_id: uuid.UUID, *, channel: str, method: str, revision: int | None
) -> tuple[Order, bool]:
    seen = carts.find(cart_id, channel=channel)
    if seen.order_id:
        return _ordered(seen, method=method), False
    pausing.refuse_paused(channel)
    _refuse_unready(seen, revision=revision)
    try:
        return place(seen, method=method), True
    except NotAllowed:
        # Another call may have ordered the cart meanwhile; anything else is refused as it was.
        now = carts.find(cart_id, channel=channel)
        if now.order_id:
            return _ordered(now, method=method), False
        if now.revision != seen.revision:
            raise CartMoved(_("The cart has changed since it was shown.")) from None
        raise


def _ordered(seen: SeenCart, *, method: str) -> Order:
    order = Order.objects.get(public_id=seen.order_id)
    if order.method != method:
        raise CartOrdered(seen.order_id)
    return order


def _refuse_unready(seen: SeenCart, *, revision: int | None) -> None:
    if revision is not None and revision != seen.revision:
        raise CartMoved(_("The cart has changed since it was shown."))
    if not seen.content.items:
        raise CartIncomplete(_("The cart is empty."))
    if not seen.content.priced:
        raise CartIncomplete(_("An item has no price yet; ask for the prices again."))
    if not seen.content.customer.id:
        raise CartIncomplete(_("The cart has no customer."))


def _check_out(seen: SeenCart, *, method: str) -> Order:
    if any(item.service != Service.GOODS for item in seen.content.items):
        raise CartIncomplete(_("Only goods are checked out; a trip is ordered (POST /orders)."))
    return checkout_saga.place(**_agreed(seen, method=method))


def _place(seen: SeenCart, *, method: str) -> Order:
    if any(item.service == Service.GOODS for item in seen.content.items):
        raise CartIncomplete(_("Goods are checked out (POST /checkouts), in a cart of their own."))
    return placing.place_order(**_agreed(seen, method=method))


def _agreed(seen: SeenCart, *, method: str) -> dict[str, Any]:
    """What the customer agreed to, of whatever kind the items are: an order and a checkout begin with the same."""
    now, customer = seen.content, seen.content.customer
    return {
        "channel": seen.channel,
        "customer": Customer(customer.id, customer.name, customer.phone, customer.email),
        "items": [NewItem(item.service, item.amount or 0, item.details) for item in now.items],
        "method": method,
        "city": now.city,
        "promo_code": now.promo.code if now.promo.status == PromoStatus.APPLIED else "",
        "discount": now.promo.discount,
        "notes": _notes(now),
        "cart": Cart(id=seen.id, revision=seen.revision),
    }


def _notes(now: Content) -> dict[str, Any]:
    """What the customer was told of prices that were not asked for in time."""
    notes: dict[str, Any] = {}
    marked = [n for n, item in enumerate(now.items, 1) if item.pricing == Pricing.LAST_KNOWN]
    if marked:
        notes["pricing_marked"] = marked
    if now.promo.status == PromoStatus.SKIPPED:
        notes["promo_skipped"] = now.promo.code
    return notes


def ensure_link(order: Order, *, actor: str, method: str = "") -> bool:
    """Have one link that can be paid: the living one, or a new one. True when one was asked for.

    `method` changes how the order is to be paid, which only an order without a living link allows.
    Raises NotAllowed where nothing is to be paid.
    """
    with transaction.atomic():
        order = lock(order)
        if order.state not in links.PAYABLE:
            raise NotAllowed(_("Nothing is to be paid for order %(order)s now.") % {"order": order})
        if _living(order, method=method):
            return False
        if method and method != order.method:
            route(method)
            Order.objects.filter(pk=order.pk).update(method=method)
            order.method = method
        # A worker leaves the attempt to us for as long as our own try may take.
        links.add_attempt(order, actor=actor, due_at=after(LINK_BUDGET + 1))
    try_links(order)
    return True


def _living(order: Order, *, method: str) -> bool:
    living = order.attempts.filter(state__in=LIVE).exclude(state=AttemptState.MISMATCH).first()
    if living and method and living.method != method:
        raise NotAllowed(_("The present link may still be paid; it must end first."))
    return living is not None
