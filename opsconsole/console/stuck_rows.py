"""Rows of the stuck list as they are drawn: what hangs, and what came free under the reader's eyes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from opsconsole.console.stuck_choices import cause_label
from opsconsole.console.tones import label_of
from orders import names
from orders.diagnosis.causes import NEXT_STEPS, NextStep
from orders.models import Order
from orders.priorities import priority
from orders.queries.stuck import StuckRow
from orders.states import Service


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line. `since` and `limit` are None for an order that hangs no more."""

    pk: int
    code: str
    item: str
    machine: str
    state: str
    amount: int
    currency: str
    paid_with: str
    why: str
    owner: str
    next_step: str = ""
    priority: int | None = None
    since: datetime | None = None
    limit: timedelta | None = None
    is_held: bool = False

    @property
    def is_free(self) -> bool:
        return self.since is None


def stuck_line(row: StuckRow, *, people: Mapping[int, str], last: Mapping[int, str]) -> Row:
    """`people` are names by user id, `last` the last change of orders without a fitting diagnosis."""
    return Row(
        pk=row.order_id,
        code=row.public_id,
        item=item_of(row.service, row.city),
        machine=row.machine,
        state=row.state,
        amount=row.amount,
        currency=row.currency,
        paid_with=paid_with(row.method, row.gateway),
        why=cause_label(row.cause) if is_diagnosed(row) else last.get(row.order_id, ""),
        next_step=step_label(row.next_step) if is_diagnosed(row) else "",
        owner=people.get(row.owner_id or 0, row.owner),
        priority=priority(
            row.machine, row.state, amount=row.amount, currency=row.currency, age=row.age, limit=row.limit
        ),
        since=row.since,
        limit=row.limit,
        is_held=row.held_until is not None and row.held_until > row.clock,
    )


def free_line(order: Order, *, people: Mapping[int, str]) -> Row:
    """An order on screen that hangs no more: it keeps its place until the reader asks for the list anew."""
    gateway = order.owning_attempt.gateway if order.owning_attempt else ""
    return Row(
        pk=order.pk,
        code=order.public_id,
        item=item_of(order.service, order.city),
        machine="order",
        state=order.state,
        amount=order.amount,
        currency=order.currency,
        paid_with=paid_with(order.method, gateway),
        why=_("now: %(state)s") % {"state": label_of("order", order.state)},
        owner=people.get(order.owner_id or 0, ""),
    )


def is_diagnosed(row: StuckRow) -> bool:
    """A cause found for an older version of the order may be over."""
    return bool(row.cause) and row.diagnosed_version == row.version


def step_label(step: str) -> str:
    """Waiting is no step: there is nothing to do."""
    return str(NEXT_STEPS[NextStep(step)]) if step in set(NextStep) and step != NextStep.WAIT else ""


def item_of(service: str, city: str) -> str:
    label = service_label(service)
    return f"{label} · {city}" if city else label


def service_label(service: str) -> str:
    return str(Service(service).label) if service in Service.values else service


def paid_with(method: str, gateway: str) -> str:
    return " · ".join(part for part in (names.method(method), names.system(gateway)) if part) or "–"


def in_order(rows: Sequence[Row], wanted: Sequence[int]) -> list[Row]:
    """As the reader has them on screen."""
    by_id = {row.pk: row for row in rows}
    return [by_id[pk] for pk in wanted if pk in by_id]
