"""The payment-link desk: orders nobody can pay, one of them with all it takes to be paid, and who sends it how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import keyset, order_personal
from opsconsole.console.access import allowed
from opsconsole.console.chips import Chip, Option, words_of
from opsconsole.console.live import answer, is_fragment
from opsconsole.console.order import found, list_behind
from opsconsole.console.order_actions_shown import ShownAction, qr_code, shown_actions
from opsconsole.console.order_choices import Choice, desk_choice
from opsconsole.console.order_guards import guards_of
from opsconsole.console.reading import known
from opsconsole.console.staff import actor_of
from opsconsole.console.stuck_head import grouped, main_sum
from opsconsole.console.stuck_rows import item_of, service_label
from orders import names
from orders.models import Attempt, Order
from orders.queries.link_desk import (
    KINDS,
    MISSING,
    PAYABLE,
    UNFIT,
    Counts,
    LinkRow,
    Wanted,
    link_counts,
    link_page,
    links_among,
)
from orders.queries.order_page import people
from orders.queries.places import Place
from orders.services.actions.link import open_link
from orders.services.routing import LIVE
from orders.states import CLOSED_ORDER_STATES

LISTS: Final[Mapping[str, str]] = {"method": "methods", "gateway": "gateways", "city": "cities", "service": "services"}
TABS: Final[Mapping[str, Promise]] = {
    "missing": gettext_lazy("No link"),
    "unanswered": gettext_lazy("No answer"),
    "expired": gettext_lazy("Link closed"),
    "open": gettext_lazy("Waiting for the customer"),
    "unfit": gettext_lazy("Money does not fit"),
}
_LABELS: Final[Mapping[str, Promise]] = {
    "method": gettext_lazy("Method"),
    "gateway": gettext_lazy("Gateway"),
    "city": gettext_lazy("City"),
    "service": gettext_lazy("Service"),
}
_CALLED: Final[Mapping[str, Any]] = {
    "method": names.method,
    "gateway": names.system,
    "city": str,
    "service": service_label,
}
WAYS: Final[Mapping[str, Promise]] = {
    "whatsapp": gettext_lazy("WhatsApp"),
    "sms": gettext_lazy("SMS"),
    "email": gettext_lazy("Email"),
}


@dataclass(frozen=True)
class Asked(keyset.Asked):
    names = ("kind", *LISTS)
    places = Place

    @property
    def wanted(self) -> Wanted:
        kind = self.choices.one("kind") if self.choices.one("kind") in KINDS else MISSING
        return Wanted(kind=kind, **{field: self.choices.many(name) for name, field in LISTS.items()})


@dataclass(frozen=True, kw_only=True)
class Row:
    """`is_gone` when it is on this list no more, and stays where the reader saw it."""

    link: LinkRow
    item: str
    paid_with: str
    is_gone: bool

    @property
    def code(self) -> str:
        return self.link.public_id


@dataclass(frozen=True, kw_only=True)
class Desk(keyset.KeysetList):
    """One page of one tab."""

    url_name = "links"
    asked: Asked
    at: datetime
    rows: Sequence[Row]
    counts: Counts
    newcomers: int

    @property
    def wanted(self) -> Wanted:
        return self.asked.wanted

    @property
    def pinned(self) -> Sequence[int]:
        return [row.link.order_id for row in self.rows]

    @property
    def total(self) -> str:
        return grouped(self.counts.by_kind.get(self.wanted.kind, 0))

    @property
    def sums(self) -> tuple[str, str]:
        return main_sum(self.counts.money)

    @property
    def waiting(self) -> str:
        """How many need somebody: for the title."""
        return grouped(sum(self.counts.by_kind.get(kind, 0) for kind in KINDS if kind != "open"))

    @property
    def tabs(self) -> list[tuple[str | Promise, str, str, bool]]:
        """(label, address, count, whether it is this one)."""
        shown = [kind for kind in TABS if kind != UNFIT or self.counts.by_kind.get(UNFIT)]
        return [
            (
                TABS[kind],
                self.tab(kind=kind),
                grouped(self.counts.by_kind.get(kind, 0)),
                kind == self.wanted.kind,
            )
            for kind in shown
        ]

    @property
    def chips(self) -> list[Chip]:
        return [self._chip(name) for name in LISTS]

    def _chip(self, name: str) -> Chip:
        counts, on = self.counts.facets.get(LISTS[name], {}), self.asked.choices.many(name)
        values = dict.fromkeys((*sorted(counts, key=lambda each: (-counts[each], each)), *on))
        options = [
            Option(value=each, label=_CALLED[name](each) or "–", count=counts.get(each, 0), is_on=each in on)
            for each in values
        ]
        return Chip(name=name, label=_LABELS[name], options=options)

    @property
    def words(self) -> list[str]:
        return words_of(self.chips)


def read_desk(asked: Asked) -> Desk:
    """Two queries; a third where a row on screen has left the list."""
    now = timezone.now()
    page, next_place = link_page(asked.wanted, now=now, after=asked.after, limit=keyset.PAGE)
    held = keyset.hold(asked, page, by=lambda row: row.order_id, gone=lambda ids: links_among(ids, now=now))
    return Desk(
        at=now,
        asked=asked,
        rows=[_row(each, asked.wanted) for each in held.rows],
        counts=link_counts(asked.wanted, now=now),
        newcomers=held.newcomers,
        next_place=held.next_place if asked.pins else next_place,
    )


def _row(link: LinkRow, wanted: Wanted) -> Row:
    return Row(
        link=link,
        item=item_of(link.service, link.city),
        paid_with=names.method(link.method) or "–",
        is_gone=link.kind != wanted.kind,
    )


@require_GET
@allowed("view_orders")
def links(request: HttpRequest) -> HttpResponse:
    asked = Asked.read(request.GET)
    context = {"desk": known(lambda: read_desk(asked)), "asked": asked, "section": "orders", "place": "links"}
    return answer(request, "console/links.html", "console/links/live.html", context)


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """One order at the desk. `others` are attempts that could be paid beside the open one: they are closed first."""

    order: Order
    attempts: Sequence[Attempt]
    open: Attempt | None
    qr: str
    actions: Sequence[ShownAction]
    make: Choice
    ways: Sequence[tuple[str | Promise, str, Choice]]
    now: datetime
    back: str = ""

    @property
    def others(self) -> list[Attempt]:
        return [each for each in self.attempts if each.state in LIVE and each != self.open]

    @property
    def is_payable(self) -> bool:
        return self.order.state in PAYABLE

    @property
    def is_paid(self) -> bool:
        unpaid = (*PAYABLE, *CLOSED_ORDER_STATES)
        return self.order.state not in unpaid

    @property
    def is_over(self) -> bool:
        """The link that is open has passed its time; the gateway has not said so yet."""
        return bool(self.open and self.open.expires_at and self.open.expires_at <= self.now)

    @property
    def is_busy(self) -> bool:
        return any(each.is_running for each in self.actions)

    @property
    def address(self) -> str:
        return reverse("order-link", args=[self.order.public_id])

    @property
    def peek_address(self) -> str:
        """Where the panel reads itself anew, and remembers the list behind it."""
        return f"{reverse('order-link-peek', args=[self.order.public_id])}?{urlencode({'back': self.back})}"


def link_view(request: HttpRequest, order: Order) -> LinkView:
    guards = guards_of(order)
    mine = [action for action in guards.rows if action.name in ("make_link", "send_link", "recheck_payment")]
    current = open_link(order)
    return LinkView(
        order=order,
        attempts=list(order.attempts.order_by("number")),
        open=current,
        qr=qr_code(current.link_url) if current else "",
        actions=shown_actions(mine, people(action.actor for action in mine), reader=actor_of(request)),
        make=desk_choice(order, request.user, "make_link", guards),
        ways=[
            (label, way, desk_choice(order, request.user, "send_link", guards, channel=way))
            for way, label in WAYS.items()
        ],
        now=timezone.now(),
    )


def _context(request: HttpRequest, order: Order) -> dict[str, Any]:
    return {
        "view": link_view(request, order),
        "order": order,
        "now": timezone.now(),
        "section": "orders",
        "personal": order_personal.shown(order, request.user),
    }


@require_GET
@allowed("view_orders")
def link(request: HttpRequest, public_id: str) -> HttpResponse:
    """One order at the desk."""
    context = _context(request, found(public_id))
    return answer(request, "console/links/order_page.html", "console/links/order_live.html", context)


@require_GET
@allowed("view_orders")
def link_peek(request: HttpRequest, public_id: str) -> HttpResponse:
    """The same beside the list."""
    if not is_fragment(request):
        return redirect("order-link", public_id=public_id)
    context = _context(request, found(public_id))
    context["view"] = replace(context["view"], back=list_behind(request, otherwise=reverse("links")))
    return answer(request, "console/links/order_page.html", "console/links/peek.html", context)
