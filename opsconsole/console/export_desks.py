"""The desks as CSV: who waits for a car, what cannot be paid, money to decide about. The rules are `export`'s."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.dispatch_queue import Asked
from opsconsole.console.export import BATCH, csv_file
from opsconsole.console.formats import iso
from opsconsole.console.link_desk import Asked as LinksAsked
from opsconsole.console.money_desk import Asked as MoneyAsked
from opsconsole.console.staff import actor_of
from orders.models import DispatchEntry
from orders.queries.dispatch import all_entries
from orders.queries.link_desk import LinkRow, link_page
from orders.queries.money_queues import MoneyRow, money_page

Place = TypeVar("Place")
Row = TypeVar("Row")
MONEY: Final = ("amount_minor", "currency")


@require_GET
@allowed("export_orders")
def dispatch(request: HttpRequest) -> StreamingHttpResponse:
    """Every live entry of the dispatch queue that matches, the oldest first. No driver's name or number goes out."""
    wanted = Asked.of(request.GET, actor=actor_of(request)).wanted
    head = ("order_id", "waits_since", "state", "held_by", "vehicle", *MONEY, "service", "city", "next_try")
    return csv_file("dispatch-queue", head, (_entry(each) for each in all_entries(wanted, batch=BATCH)))


def _entry(entry: DispatchEntry) -> Sequence[Any]:
    order = entry.order
    due = iso(entry.due_at) if entry.due_at else ""
    who = (entry.state, entry.claimed_by.removeprefix("user:"), entry.vehicle)
    place = (order.service, entry.city, due)
    return (order.public_id, iso(entry.created_at), *who, order.amount, order.currency, *place)


@require_GET
@allowed("export_orders")
def links(request: HttpRequest) -> StreamingHttpResponse:
    """Every order of the chosen kind that nobody can pay, the oldest first."""
    wanted, now = LinksAsked.read(request.GET).wanted, timezone.now()
    head = ("order_id", "placed_at", "closes_at", "kind", "state", *MONEY, "method", "gateway", "attempt", "service")
    rows = _all(lambda after: link_page(wanted, now=now, after=after, limit=BATCH))
    return csv_file("payment-links", (*head, "city"), map(_link, rows))


def _link(row: LinkRow) -> Sequence[Any]:
    closes = iso(row.closes_at) if row.closes_at else ""
    times = (iso(row.placed_at), closes)
    paying = (row.amount, row.currency, row.method, row.gateway, row.attempt)
    return (row.public_id, *times, row.kind, row.state, *paying, row.service, row.city)


@require_GET
@allowed("export_orders")
def money(request: HttpRequest) -> StreamingHttpResponse:
    """Every case of the chosen queue, the oldest first."""
    case = MoneyAsked.read(request.GET).case
    head = ("order_id", "case", "since", *MONEY, "order_state", "method", "gateway", "service", "city", "said")
    rows = _all(lambda after: money_page(case, after=after, limit=BATCH))
    return csv_file(f"money-{case.value.replace('_', '-')}", head, map(_case, rows))


def _case(row: MoneyRow) -> Sequence[Any]:
    where = (row.order_state, row.method, row.gateway, row.service, row.city, row.said)
    return (row.public_id, row.case, iso(row.since), row.sum, row.currency, *where)


def _all(page: Callable[[Place | None], tuple[list[Row], Place | None]]) -> Iterator[Row]:
    """Page after page, so that a long queue is never whole in memory."""
    after: Place | None = None
    while True:
        rows, after = page(after)
        yield from rows
        if after is None:
            return
