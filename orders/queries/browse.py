"""All orders, newest first, by keyset in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from orders.models import Order
from orders.queries.places import Place
from orders.queries.stuck.lists import fetch

COUNTED_TO: Final = 10_000
RECENT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means any. `placed_from` is included, `placed_to` is not; `order_ids` are those a search found."""

    states: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    order_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` and `previous` are the places to go on from, None at either end."""

    orders: list[Order]
    next: Place | None
    previous: Place | None


_LISTS: Final = {
    "states": "state__in",
    "services": "service__in",
    "gateways": "owning_attempt__gateway__in",
    "methods": "method__in",
    "cities": "city__in",
    "channels": "channel__in",
    "origins": "origin__in",
}


def matching(wanted: Wanted) -> QuerySet[Order]:
    """Every order that fits, in no order."""
    given: dict[str, Any] = {lookup: getattr(wanted, name) for name, lookup in _LISTS.items() if getattr(wanted, name)}
    if wanted.placed_from is not None:
        given["placed_at__gte"] = wanted.placed_from
    if wanted.placed_to is not None:
        given["placed_at__lt"] = wanted.placed_to
    if wanted.order_ids is not None:
        given["pk__in"] = wanted.order_ids
    return Order.objects.filter(**given)


def place_of(order: Order) -> Place:
    return Place(order.placed_at, order.pk)


def order_page(wanted: Wanted, *, after: Place | None = None, before: Place | None = None, limit: int = 50) -> Page:
    """The page behind `after` (older), the one before `before` (newer), or the first. One query."""
    rows = matching(wanted).select_related("owning_attempt", "owner")
    if before is not None:
        return _page_before(rows, before, limit)
    if after is not None:
        rows = rows.filter(TupleLessThan(Tuple("placed_at", "id"), (after.at, after.row_id)))
    found = list(rows.order_by("-placed_at", "-id")[: limit + 1])
    shown = found[:limit]
    return Page(
        shown,
        next=place_of(shown[-1]) if len(found) > limit else None,
        previous=place_of(shown[0]) if shown and after is not None else None,
    )


def _page_before(rows: QuerySet[Order], before: Place, limit: int) -> Page:
    newer = rows.filter(TupleGreaterThan(Tuple("placed_at", "id"), (before.at, before.row_id)))
    found = list(newer.order_by("placed_at", "id")[: limit + 1])
    shown = found[:limit][::-1]
    return Page(
        shown,
        next=place_of(shown[-1]) if shown else None,
        previous=place_of(shown[0]) if len(found) > limit else None,
    )


def counted(wanted: Wanted) -> int:
    """How many there are, counted up to COUNTED_TO; one more says that there are more."""
    return matching(wanted)[: COUNTED_TO + 1].count()


def newer_than(wanted: Wanted, place: Place, *, most: int = 99) -> int:
    """How many came since the first row of a page; one more than `most` says that there are more."""
    newer = TupleGreaterThan(Tuple("placed_at", "id"), (place.at, place.row_id))
    return matching(wanted).filter(newer)[: most + 1].count()


def recent_values() -> tuple[Sequence[str], Sequence[str]]:
    """The methods and cities of the last few thousand orders: what a filter may offer. One query."""
    rows = fetch(_RECENT, {"most": RECENT})
    return sorted({row["method"] for row in rows} - {""}), sorted({row["city"] for row in rows} - {""})


_RECENT: Final = (
    "SELECT DISTINCT method, city FROM"
    " (SELECT method, city FROM orders_order ORDER BY placed_at DESC, id DESC LIMIT %(most)s) recent"
)


def orders_among(order_ids: Sequence[int]) -> list[Order]:
    """Orders that a reader has on screen, as they are now, newest first. One query."""
    rows = Order.objects.select_related("owning_attempt", "owner").filter(pk__in=order_ids)
    return list(rows.order_by("-placed_at", "-id"))
