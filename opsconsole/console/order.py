"""One order: the page, the panel beside a list, the question put to everybody live, raw messages, personal data."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console import desk_undo, order_personal, raw_messages
from opsconsole.console.access import allowed
from opsconsole.console.live import answer, is_fragment
from opsconsole.console.order_incident import banner_of
from opsconsole.console.order_page import order_page
from orders.models import InboundEvent, Order
from orders.queries.order_page import find_order
from orders.services.truths import ask_everybody


def found(public_id: str) -> Order:
    """Raises Http404."""
    order = find_order(public_id)
    if order is None:
        raise Http404
    return order


def context_of(request: HttpRequest, order: Order, **more: Any) -> dict[str, Any]:
    """What both page and panel are drawn from."""
    page = order_page(request, order, **more)
    here = _with_query(reverse("order", args=[order.public_id]), page.view.here)
    return {
        "page": page,
        "order": order,
        "here": here,
        "section": "orders",
        "banner": banner_of(order, is_hanging=page.stuck is not None),
        "personal": order_personal.shown(order, request.user),
        "undo": desk_undo.read(order, request.GET.get("undo", ""), request.user),
    }


@require_GET
@allowed("view_orders")
def order(request: HttpRequest, public_id: str) -> HttpResponse:
    return answer(request, "console/order.html", "console/order/live.html", context_of(request, found(public_id)))


@require_GET
@allowed("view_orders")
def peek(request: HttpRequest, public_id: str) -> HttpResponse:
    """For htmx the panel; for everybody else the order's page, which says the same in more room."""
    order = found(public_id)
    if not is_fragment(request):
        return redirect("order", public_id=order.public_id)
    return answer(request, "console/order.html", "console/peek.html", peek_context(request, order))


def peek_context(request: HttpRequest, order: Order) -> dict[str, Any]:
    """For a list that draws the panel itself: include `console/peek.html` with this."""
    back = list_behind(request)
    address = reverse("order-peek", args=[order.public_id])
    return {
        **context_of(request, order, short=True),
        "is_peek": True,
        "back": back,
        "here": _with_query(address, urlencode({"back": back})),
    }


@require_POST
@allowed("view_orders")
def truths(request: HttpRequest, public_id: str) -> HttpResponse:
    """Asks gateways, partners and Head Office now. Reads only; POST because it costs the neighbours a call each."""
    order = found(public_id)
    said = ask_everybody(order)
    context = context_of(request, found(public_id), asked=said)
    if is_fragment(request):
        return render(request, "console/order/truths.html", context)
    return render(request, "console/order.html", context)


@require_GET
@allowed("view_raw_messages")
def message(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """One message as it came, personal data masked."""
    return _message(request, public_id, pk, is_masked=True)


@require_POST
@allowed("view_raw_messages")
def open_message(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """The same unmasked, for who may see personal data; the look is a row of the history."""
    order = found(public_id)
    refusal = order_personal.refuse_reveal(request)
    if refusal is not None:
        return refusal
    order_personal.remember_look(order, "raw", request.user)
    return _message(request, public_id, pk, is_masked=False)


def _message(request: HttpRequest, public_id: str, pk: int, *, is_masked: bool) -> HttpResponse:
    order = found(public_id)
    event = InboundEvent.objects.filter(pk=pk, order=order).first()
    if event is None:
        raise Http404
    context = {"order": order, "message": raw_messages.shown(event, is_masked=is_masked), "section": "orders"}
    return answer(request, "console/order/message_page.html", "console/order/message.html", context)


@require_POST
@allowed("reveal_personal_data")
def reveal(request: HttpRequest, public_id: str) -> HttpResponse:
    """One field of the customer in clear, and a row of the history that says who looked."""
    order = found(public_id)
    field = request.POST.get("field", "")
    if field not in order_personal.FIELDS:
        raise Http404
    order_personal.remember_look(order, field, request.user)
    personal = order_personal.shown(order, request.user, revealed=field)
    if is_fragment(request):
        context = {"order": order, "field": personal[field], "is_revealed": True}
        return render(request, "console/order/personal_field.html", context)
    return render(request, "console/order.html", {**context_of(request, order), "personal": personal})


def list_behind(request: HttpRequest, *, otherwise: str = "/") -> str:
    """Where closing the panel leads: what the address says, else the list the panel was opened from."""
    given = request.GET.get("back", "")
    htmx: Any = getattr(request, "htmx", None)
    current = str(htmx.current_url_abs_path or "") if htmx else ""
    for address in (given, current):
        is_own = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
        if address and is_own and "/peek/" not in address:
            return address
    return otherwise


def _with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
