"""Orders of a channel, for lists and details outside the console.

*Active* is what may still change and is read from the primary; *history* is what has ended. Lists go
by (placed_at, id), newest first, from a place and not by a number of rows to skip, so that page 1,000
costs what page 1 costs. The place is named by the order that ended the page before.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan

from orders.models import Attempt, Item, Order, Saga, Step
from orders.states import OPEN_ORDER_STATES

MOST_ROWS = 100


class UnknownPlace(Exception):
    """The list has no such order to go on from."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list. Empty means any; `placed_from` is included, `placed_to` is not."""

    customer: str = ""
    service: str = ""
    placed_from: datetime | None = None
    placed_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the public id to go on from, '' at the end."""

    orders: list[Order]
    after: str


def active_orders(channel: str, *, wanted: Wanted = Wanted(), after: str = "", limit: int = 25) -> Page:
    """A page of orders that may still change. Raises UnknownPlace."""
    return _page(active(channel), place=_place(channel, after), wanted=wanted, limit=limit)


def history_orders(channel: str, *, wanted: Wanted = Wanted(), after: str = "", limit: int = 25) -> Page:
    """A page of orders that have ended. Raises UnknownPlace."""
    return _page(history(channel), place=_place(channel, after), wanted=wanted, limit=limit)


def active(channel: str) -> QuerySet[Order]:
    return Order.objects.filter(channel=channel, state__in=OPEN_ORDER_STATES)


def history(channel: str) -> QuerySet[Order]:
    return Order.objects.filter(channel=channel).exclude(state__in=OPEN_ORDER_STATES)


def _page(orders: QuerySet[Order], *, place: tuple[datetime, int] | None, wanted: Wanted, limit: int) -> Page:
    limit = min(limit, MOST_ROWS)
    found = list(_rows(orders, place=place, wanted=wanted)[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].public_id if more else "")


def _rows(orders: QuerySet[Order], *, place: tuple[datetime, int] | None, wanted: Wanted) -> QuerySet[Order]:
    rows = _matching(orders, wanted).order_by("-placed_at", "-id")
    if place is None:
        return rows
    return rows.filter(TupleLessThan(Tuple("placed_at", "id"), place))


def _matching(orders: QuerySet[Order], wanted: Wanted) -> QuerySet[Order]:
    given = Q()
    if wanted.customer:
        given &= Q(customer_id=wanted.customer)
    if wanted.service:
        given &= Q(service=wanted.service)
    if wanted.placed_from:
        given &= Q(placed_at__gte=wanted.placed_from)
    if wanted.placed_to:
        given &= Q(placed_at__lt=wanted.placed_to)
    return orders.filter(given)


def _place(channel: str, after: str) -> tuple[datetime, int] | None:
    """Where `after` stands. It may have left the list meanwhile; its place in time stays."""
    if not after:
        return None
    own = Order.objects.filter(channel=channel, public_id=after)
    place = own.values_list("placed_at", "id").first()
    if place is None:
        raise UnknownPlace(after)
    return place


def order_of(channel: str, *, public_id: str) -> Order | None:
    """The bare order, for acting on it."""
    return Order.objects.filter(channel=channel, public_id=public_id).first()


def checkout_of(order: Order) -> Saga | None:
    """The checkout of an order of goods with its steps; None for any other order."""
    steps = Prefetch("steps", Step.objects.order_by("number"))
    return order.sagas.filter(kind="checkout").prefetch_related(steps).order_by("-pk").first()


def order_detail(channel: str, *, public_id: str) -> Order | None:
    """The order with items, attempts, ledger and refunds in memory: five statements in all."""
    return (
        Order.objects.filter(channel=channel, public_id=public_id)
        .prefetch_related(
            Prefetch("items", Item.objects.order_by("number")),
            Prefetch("attempts", Attempt.objects.order_by("number")),
            "ledger",
            "refunds",
        )
        .first()
    )
