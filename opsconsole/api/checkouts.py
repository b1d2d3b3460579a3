"""Operations on checkouts: goods, from a cart to a paid order."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from opsconsole.api.access import caller
from opsconsole.api.answers import answer
from opsconsole.api.limiting import described_limit, limited
from opsconsole.api.openapi import described
from opsconsole.api.orders import whole
from opsconsole.api.problems import Problem
from opsconsole.api.schemas.checkouts import Checkout
from opsconsole.api.schemas.orders import NewOrder
from opsconsole.api.writes import written
from orders.queries.orders import checkout_of, order_detail
from orders.services import checkout

router = Router(tags=["Checkouts"])
SOON = "1"  # seconds until a look may show something new


@router.post(
    "/checkouts",
    response={202: Checkout, 200: Checkout},
    openapi_extra=described(
        "cart-not-found", "cart-expired", "cart-ordered", "cart-changed", "cart-incomplete", "refused"
    )
    | described_limit("create_order"),
)
@limited("create_order")
@written
def create_checkout(request: HttpRequest, wanted: NewOrder) -> HttpResponse:
    """Check a cart of goods out: 202, and everything else happens in the background.

    The inventory is reserved, the customer pays by the link that the checkout then has, the order is created and the
    cart emptied; what fails is undone in reverse. Read the checkout at `Location` until its state is no longer
    `running`. A cart is checked out once: asked again, the answer is 200 with that checkout.
    """
    order, made = checkout.check_out_cart(
        wanted.cart, channel=caller(request).channel, method=wanted.method, revision=wanted.revision
    )
    found = _checkout(request, order.public_id)
    response = answer(found, status=202 if made else 200, location=f"/api/v1/checkouts/{found.id}")
    response["Retry-After"] = SOON
    return response


@router.get(
    "/checkouts/{checkout_id}",
    response={200: Checkout},
    openapi_extra=described("checkout-not-found") | described_limit("order_detail"),
)
@limited("order_detail")
def get_checkout(request: HttpRequest, checkout_id: str) -> HttpResponse:
    """A checkout as it is this moment: its steps, and its order with the link to pay by."""
    return answer(_checkout(request, checkout_id))


def _checkout(request: HttpRequest, checkout_id: str) -> Checkout:
    order = order_detail(caller(request).channel, public_id=checkout_id)
    saga = checkout_of(order) if order else None
    if order is None or saga is None:
        raise Problem("checkout-not-found")
    return Checkout.of(saga, order=whole(order))
