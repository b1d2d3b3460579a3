"""Operations on orders."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router

from opsconsole.api.access import caller
from opsconsole.api.answers import answer, revalidated
from opsconsole.api.limiting import described_limit, limited
from opsconsole.api.openapi import described
from opsconsole.api.problems import Problem
from opsconsole.api.refusals import ACTIVE, HISTORY
from opsconsole.api.schemas.orders import (
    Cancellation,
    Filters,
    LinkWish,
    NewOrder,
    OrderDetail,
    OrderInList,
    OrderPage,
    PaymentStatus,
)
from opsconsole.api.writes import written
from orders.models import Order
from orders.queries import orders as queries
from orders.queries.orders import Page, UnknownPlace, Wanted
from orders.services import checkout, placing
from orders.states import OPEN_ORDER_STATES, OrderState

router = Router(tags=["Orders"])
MUTABLE = "private, no-cache"  # to be asked about each time; 304 while it is the same
FINAL = "private, max-age=300"  # late money or a refund may still change it


@router.post(
    "/orders",
    response={201: OrderDetail, 200: OrderDetail},
    openapi_extra=described(
        "cart-not-found", "cart-expired", "cart-ordered", "cart-changed", "cart-incomplete", "channel-paused", "refused"
    )
    | described_limit("create_order"),
)
@limited("create_order")
@written
def create_order(request: HttpRequest, wanted: NewOrder) -> HttpResponse:
    """Order a cart: 201 with the order and its payment link, within 3 s.

    When no gateway answers in time the order exists all the same and its payment is `link_pending`;
    the link is made in the background. A cart becomes one order: asked again, the answer is 200 with
    that order.
    """
    order, made = checkout.order_cart(
        wanted.cart, channel=caller(request).channel, method=wanted.method, revision=wanted.revision
    )
    return answer(_whole(request, order.public_id), status=201 if made else 200, location=_location(order))


@router.get("/orders/active", response={200: OrderPage}, openapi_extra=described("invalid-cursor"))
def list_active_orders(request: HttpRequest, filters: Query[Filters]) -> HttpResponse:
    """Orders that may still change, newest first."""
    return _listed(request, filters, by=queries.active_orders)


@router.get("/orders/history", response={200: OrderPage}, openapi_extra=described("invalid-cursor"))
def list_history_orders(request: HttpRequest, filters: Query[Filters]) -> HttpResponse:
    """Orders that have ended, newest first."""
    return _listed(request, filters, by=queries.history_orders)


def _listed(request: HttpRequest, filters: Filters, *, by: Callable[..., Page]) -> HttpResponse:
    _refuse_unknown(request)
    wanted = Wanted(filters.customer or "", filters.service or "", filters.placed_from, filters.placed_to)
    try:
        page = by(caller(request).channel, wanted=wanted, after=_place(filters.cursor), limit=filters.limit)
    except UnknownPlace as error:
        raise Problem("invalid-cursor") from error
    rows = [OrderInList.of(order, location=_location(order)) for order in page.orders]
    return answer(OrderPage(orders=rows, next_cursor=_cursor(page.after)))


def _refuse_unknown(request: HttpRequest) -> None:
    """A filter with a slip in its name would list everything."""
    unknown = [name for name in request.GET if name not in Filters.model_fields]
    if unknown:
        errors = [{"detail": _("There is no such parameter."), "parameter": name} for name in unknown]
        raise Problem("invalid", errors=errors)


def _cursor(after: str) -> str | None:
    """Opaque on purpose: what it is made of may change."""
    return urlsafe_b64encode(after.encode()).decode().rstrip("=") if after else None


def _place(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        after = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise Problem("invalid-cursor") from error
    if not after or "\0" in after:
        raise Problem("invalid-cursor")
    return after


@router.get(
    "/orders/active/{order_id}",
    response={200: OrderDetail},
    openapi_extra=described("order-not-found", "order-in-history") | described_limit("order_detail"),
)
@limited("order_detail")
def get_active_order(request: HttpRequest, order_id: str) -> HttpResponse:
    """An order that may still change, as it is this moment."""
    detail = _whole(request, order_id)
    if detail.state not in OPEN_ORDER_STATES:
        raise Problem("order-in-history", more={"location": detail.location})
    return revalidated(request, detail, cache_control=MUTABLE)


@router.get(
    "/orders/history/{order_id}",
    response={200: OrderDetail},
    openapi_extra=described("order-not-found", "order-active") | described_limit("order_detail"),
)
@limited("order_detail")
def get_history_order(request: HttpRequest, order_id: str) -> HttpResponse:
    """An order that has ended. It may be kept for some minutes."""
    detail = _whole(request, order_id)
    if detail.state in OPEN_ORDER_STATES:
        raise Problem("order-active", more={"location": detail.location})
    return revalidated(request, detail, cache_control=FINAL)


@router.post(
    "/orders/{order_id}/cancel",
    response={200: OrderDetail},
    openapi_extra=described("order-not-found", "refused"),
)
@written
def cancel_order(request: HttpRequest, order_id: str, wish: Cancellation) -> HttpResponse:
    """Cancel an order before its booking begins; what was paid goes back."""
    order = _order(request, order_id)
    if order.state != OrderState.CANCELLED:
        placing.cancel_order(order, actor=_actor(request), reason=wish.reason, by_customer=True)
    return answer(_whole(request, order_id))


@router.post(
    "/orders/{order_id}/payment-link",
    response={201: OrderDetail, 200: OrderDetail, 202: OrderDetail},
    openapi_extra=described("order-not-found", "refused"),
)
@written
def request_payment_link(request: HttpRequest, order_id: str, wish: LinkWish) -> HttpResponse:
    """Have a link the customer can pay by.

    200: the link there is. 201: a new one. 202: it is being made; read the order again soon.
    """
    made = checkout.ensure_link(_order(request, order_id), actor=_actor(request), method=wish.method or "")
    detail = _whole(request, order_id)
    if detail.payment.status == PaymentStatus.LINK_PENDING:
        return answer(detail, status=202, location=detail.location)
    return answer(detail, status=201 if made else 200, location=detail.location)


def _actor(request: HttpRequest) -> str:
    return f"channel:{caller(request).channel}"


def _order(request: HttpRequest, order_id: str) -> Order:
    order = queries.order_of(caller(request).channel, public_id=order_id)
    if order is None:
        raise Problem("order-not-found")
    return order


def _whole(request: HttpRequest, order_id: str) -> OrderDetail:
    order = queries.order_detail(caller(request).channel, public_id=order_id)
    if order is None:
        raise Problem("order-not-found")
    return whole(order)


def whole(order: Order) -> OrderDetail:
    """An order that was read with all that belongs to it (`order_detail`)."""
    return OrderDetail.of(order, location=_location(order))


def _location(order: Order) -> str:
    home = ACTIVE if order.state in OPEN_ORDER_STATES else HISTORY
    return f"{home}/{order.public_id}"
