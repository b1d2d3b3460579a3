"""One box for everything a person may have in hand; what is certain opens the order at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer, is_fragment
from opsconsole.console.overview import CannotKnow
from opsconsole.console.personal import masked
from opsconsole.console.reading import known
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import person
from opsconsole.console.stuck_rows import item_of, paid_with
from orders.models import Order
from orders.queries.browse import orders_among
from orders.queries.search import Kind, Match, certain, search

LONGEST: Final = 120
MOST: Final = 50

FITS: Final[Mapping[Kind, Promise]] = {
    Kind.ORDER: _("Order"),
    Kind.PAYMENT: _("Payment reference"),
    Kind.GATEWAY: _("Gateway's id"),
    Kind.HEAD_OFFICE: _("Head Office reference"),
    Kind.BOOKING: _("Booking reference"),
    Kind.REFUND: _("Refund"),
    Kind.PHONE: _("Phone"),
    Kind.EMAIL: _("Email"),
    Kind.CUSTOMER: _("Customer"),
    Kind.ORDER_PART: _("Begins like this"),
}
PERSONAL: Final[Mapping[Kind, str]] = {Kind.PHONE: "phone", Kind.EMAIL: "email"}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One order and what of it fits. Personal data is masked for who has no right to it."""

    order: Order
    item: str
    paid_with: str
    customer: str
    fits: Sequence[tuple[str | Promise, str]]

    @property
    def code(self) -> str:
        return self.order.public_id


@require_GET
@allowed("view_orders")
def find(request: HttpRequest) -> HttpResponse:
    """`q` is what was typed. A page, or the order itself when only one can be meant."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    matches = known(lambda: search(text))
    if isinstance(matches, CannotKnow):
        return answer(request, "console/search.html", "console/search_hits.html", {"text": text, "lost": matches})
    order_id = certain(matches)
    if order_id is not None and not is_fragment(request):
        return redirect("order", public_id=Order.objects.values_list("public_id", flat=True).get(pk=order_id))
    hits = hits_of(matches, person(request))
    context = {"text": text, "hits": hits[:MOST], "is_cut": len(hits) > MOST, "section": "orders", "place": ""}
    return answer(request, "console/search.html", "console/search_hits.html", context)


def hits_of(matches: Sequence[Match], reader: User) -> list[Hit]:
    """One hit an order, in the order of the surest match."""
    fits: dict[int, list[Match]] = {}
    for match in matches:
        fits.setdefault(match.order_id, []).append(match)
    orders = {order.pk: order for order in orders_among(list(fits)[: MOST + 1])}
    may_see = reader.has_perm(RIGHT_BY_CODENAME["reveal_personal_data"].permission)
    return [_hit(orders[pk], found, may_see=may_see) for pk, found in fits.items() if pk in orders]


def _hit(order: Order, matches: Sequence[Match], *, may_see: bool) -> Hit:
    gateway = order.owning_attempt.gateway if order.owning_attempt else ""
    name = order.customer_name if may_see else masked(order.customer_name, kind="name")
    return Hit(
        order=order,
        item=item_of(order.service, order.city),
        paid_with=paid_with(order.method, gateway),
        customer=" · ".join(part for part in (order.customer_id, name) if part),
        fits=[(FITS[match.kind], _shown(match, may_see=may_see)) for match in matches],
    )


def _shown(match: Match, *, may_see: bool) -> str:
    """What was typed is no news to who may see it; to others even that is masked."""
    kind = PERSONAL.get(match.kind)
    return match.value if kind is None or may_see else masked(match.value, kind=kind)
