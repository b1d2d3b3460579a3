"""Operations on carts."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from opsconsole.api.access import caller
from opsconsole.api.answers import answer
from opsconsole.api.limiting import described_limit, limited
from opsconsole.api.openapi import described
from opsconsole.api.schemas.carts import Cart, Customer, NewCart, PromoChoice
from opsconsole.api.schemas.items import NewItem
from opsconsole.api.writes import settle, written
from orders.services import carts
from orders.services.cart_content import CartCustomer
from orders.services.carts import SeenCart

router = Router(tags=["Carts"])
CARTS = "/api/v1/carts"
GONE = ("cart-not-found", "cart-expired")
CHANGE = (*GONE, "cart-ordered", "cart-changed")


class Reply:
    """The answer to a change of a cart, kept in the transaction of the change."""

    response: HttpResponse

    def __init__(self, request: HttpRequest, *, status: int = 200) -> None:
        self.request, self.status = request, status

    def give(self, seen: SeenCart) -> None:
        location = f"{CARTS}/{seen.id}" if self.status == 201 else ""
        self.response = answer(Cart.of(seen), status=self.status, location=location)
        settle(self.request, self.response)


def _changed(request: HttpRequest, change: Callable[[str, carts.Also], SeenCart], *, status: int = 200) -> HttpResponse:
    reply = Reply(request, status=status)
    change(caller(request).channel, reply.give)
    return reply.response


@router.post("/carts", response={201: Cart}, openapi_extra=described() | described_limit("create_cart"))
@limited("create_cart")
@written
def create_cart(request: HttpRequest, wanted: NewCart) -> HttpResponse:
    """Make an empty cart. It lives 15 minutes after its last change."""
    customer = wanted.customer.as_kept() if wanted.customer else CartCustomer()
    return _changed(
        request,
        lambda channel, also: carts.create(channel=channel, city=wanted.city, customer=customer, also=also),
        status=201,
    )


@router.get("/carts/{uuid:cart_id}", response={200: Cart}, openapi_extra=described(*GONE))
def get_cart(request: HttpRequest, cart_id: UUID) -> HttpResponse:
    """The cart with its items, prices and promo. Reading does not lengthen its life."""
    return answer(Cart.of(carts.find(cart_id, channel=caller(request).channel)))


@router.post(
    "/carts/{uuid:cart_id}/items",
    response={201: Cart},
    openapi_extra=described(*CHANGE, "cart-full", "not-served") | described_limit("add_item"),
)
@limited("add_item")
@written
def add_item(request: HttpRequest, cart_id: UUID, item: NewItem) -> HttpResponse:
    """Price an item and put it in.

    When the price cannot be had, the last one for the same fare stands in (`last_known`), or the
    item is priced later (`price_later`); then ask for the prices again before ordering.
    """
    return _changed(
        request,
        lambda channel, also: carts.add_item(cart_id, channel=channel, line=item.line(), also=also),
        status=201,
    )


@router.delete(
    "/carts/{uuid:cart_id}/items/{item_id}",
    response={200: Cart},
    openapi_extra=described(*CHANGE, "item-not-found"),
)
@written
def remove_item(request: HttpRequest, cart_id: UUID, item_id: str) -> HttpResponse:
    """Take an item out."""
    return _changed(
        request,
        lambda channel, also: carts.remove_item(cart_id, channel=channel, item_id=item_id, also=also),
    )


@router.put("/carts/{uuid:cart_id}/customer", response={200: Cart}, openapi_extra=described(*CHANGE))
@written
def set_customer(request: HttpRequest, cart_id: UUID, customer: Customer) -> HttpResponse:
    """Say whose cart it is. An order needs a customer."""
    return _changed(
        request,
        lambda channel, also: carts.set_customer(cart_id, channel=channel, customer=customer.as_kept(), also=also),
    )


@router.put("/carts/{uuid:cart_id}/promo", response={200: Cart}, openapi_extra=described(*CHANGE))
@written
def set_promo(request: HttpRequest, cart_id: UUID, choice: PromoChoice) -> HttpResponse:
    """Apply a promo code.

    A code that is not good, or that cannot be checked now, is no error: see `promo.status`.
    """
    return _changed(
        request,
        lambda channel, also: carts.set_promo(cart_id, channel=channel, code=choice.code, also=also),
    )


@router.delete("/carts/{uuid:cart_id}/promo", response={200: Cart}, openapi_extra=described(*CHANGE))
@written
def remove_promo(request: HttpRequest, cart_id: UUID) -> HttpResponse:
    """Take the promo off."""
    return _changed(
        request,
        lambda channel, also: carts.set_promo(cart_id, channel=channel, code="", also=also),
    )


@router.post(
    "/carts/{uuid:cart_id}/prices",
    response={200: Cart},
    openapi_extra=described(*CHANGE, "not-served"),
)
@written
def price_again(request: HttpRequest, cart_id: UUID) -> HttpResponse:
    """Ask again for every price that is not `live`, and for the promo."""
    return _changed(
        request,
        lambda channel, also: carts.price_again(cart_id, channel=channel, also=also),
    )
