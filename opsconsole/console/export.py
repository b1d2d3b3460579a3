"""A list as CSV: every row that matches, streamed, in whole numbers and with no formula in any cell.

Money is in minor units. Where everything is in rupiah, which has none smaller, the column is `amount_idr`;
otherwise `amount_minor` and `currency`. Times are UTC in ISO 8601. No phone number, email or name goes out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.all_orders import Asked as AllAsked
from opsconsole.console.all_orders import wanted_of
from opsconsole.console.formats import WIB, iso
from opsconsole.console.hands import Asked as HandsAsked
from opsconsole.console.staff import names_by_id, person
from opsconsole.console.stuck_head import RUPIAH
from opsconsole.console.stuck_list import Asked
from orders import csv_text
from orders.models import Order
from orders.priorities import priority
from orders.queries.browse import matching
from orders.queries.hands import Hand, all_hands, chosen, money_of, shares
from orders.queries.stuck import StuckRow, all_stuck, stuck_totals

BATCH: Final = 1_000


@require_GET
@allowed("export_orders")
def stuck(request: HttpRequest) -> StreamingHttpResponse:
    """Every stuck order that matches, oldest first, as of one instant."""
    wanted = Asked.read(request.GET).wanted(person(request).pk)
    in_rupiah = set(stuck_totals(wanted).money) <= {RUPIAH}
    head = ("order_id", "priority", "machine", "state", "order_state", "stuck_since", "stuck_seconds")
    tail = ("service", "city", "channel", "method", "gateway", "cause", "next_step", "owner", "held_until")
    rows = (_stuck_row(row, in_rupiah=in_rupiah) for rows in all_stuck(wanted, batch=BATCH) for row in rows)
    return csv_file("stuck-orders", (*head, *_money_head(in_rupiah=in_rupiah), *tail), rows)


@require_GET
@allowed("export_orders")
def orders(request: HttpRequest) -> StreamingHttpResponse:
    """Every order that matches, newest first."""
    wanted = wanted_of(AllAsked.read(request.GET).choices)
    in_rupiah = not matching(wanted).exclude(currency=RUPIAH).exists()
    head = ("order_id", "origin", "state", "state_since", "placed_at")
    tail = ("service", "city", "channel", "method", "gateway", "owner", "customer_id")
    rows = (_order_row(order, in_rupiah=in_rupiah) for order in _newest_first(wanted))
    return csv_file("orders", (*head, *_money_head(in_rupiah=in_rupiah), *tail), rows)


@require_GET
@allowed("export_orders")
def hands(request: HttpRequest) -> StreamingHttpResponse:
    """Every saga that needs a person and matches, the oldest first."""
    wanted = HandsAsked.read(request.GET).wanted(person(request).pk)
    in_rupiah = set(money_of(chosen(shares(), wanted))) <= {RUPIAH}
    head = ("order_id", "saga", "kind", "state", "cause", "since", "order_state", "service", "city")
    tail = ("partner", "step", "tries", "last_answer", "owner")
    people = names_by_id()
    rows = (_hand_row(row, people, in_rupiah=in_rupiah) for row in all_hands(wanted, batch=BATCH))
    return csv_file("needs-hand", (*head, *_money_head(in_rupiah=in_rupiah), *tail), rows)


def _hand_row(row: Hand, people: Mapping[int, str], *, in_rupiah: bool) -> Sequence[Any]:
    return (
        row.public_id,
        row.number,
        row.kind,
        row.state,
        row.cause,
        iso(row.since),
        row.order_state,
        row.service,
        row.city,
        *_money(row.held, row.currency, in_rupiah=in_rupiah),
        row.partner,
        row.step,
        row.tries,
        row.said,
        people.get(row.owner_id, "") if row.owner_id else "",
    )


def _newest_first(wanted: Any) -> Iterator[Order]:
    """By a cursor of the database, which lives as long as its transaction."""
    found = matching(wanted).select_related("owning_attempt", "owner").order_by("-placed_at", "-id")
    with transaction.atomic():
        yield from found.iterator(chunk_size=BATCH)


def _money_head(*, in_rupiah: bool) -> tuple[str, ...]:
    return ("amount_idr",) if in_rupiah else ("amount_minor", "currency")


def _money(amount: int, currency: str, *, in_rupiah: bool) -> tuple[Any, ...]:
    return (amount,) if in_rupiah else (amount, currency)


def _stuck_row(row: StuckRow, *, in_rupiah: bool) -> Sequence[Any]:
    urgency = priority(row.machine, row.state, amount=row.amount, currency=row.currency, age=row.age, limit=row.limit)
    return (
        row.public_id,
        f"P{urgency}",
        row.machine,
        row.state,
        row.order_state,
        iso(row.since),
        int(row.age.total_seconds()),
        *_money(row.amount, row.currency, in_rupiah=in_rupiah),
        row.service,
        row.city,
        row.channel,
        row.method,
        row.gateway,
        row.cause,
        row.next_step,
        row.owner,
        _instant(row.held_until),
    )


def _order_row(order: Order, *, in_rupiah: bool) -> Sequence[Any]:
    return (
        order.public_id,
        order.origin,
        order.state,
        iso(order.entered_at),
        iso(order.placed_at),
        *_money(order.amount, order.currency, in_rupiah=in_rupiah),
        order.service,
        order.city,
        order.channel,
        order.method,
        order.owning_attempt.gateway if order.owning_attempt else "",
        order.owner.get_username() if order.owner else "",
        order.customer_id,
    )


def _instant(at: datetime | None) -> str:
    return iso(at) if at else ""


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_text.lines(header, rows), content_type="text/csv; charset=utf-8")
    stamp = f"{timezone.now().astimezone(WIB):%Y-%m-%d-%H%M}"
    response["Content-Disposition"] = f'attachment; filename="{name}-{stamp}-wib.csv"'
    response["X-Accel-Buffering"] = "no"
    return response
