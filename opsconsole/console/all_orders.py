"""All orders, newest first: the same filters and rows as the stuck list, and a refresh that moves nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Self

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from opsconsole.console import keyset
from opsconsole.console.chips import NONE, Chip, Choices, Option, day_of
from opsconsole.console.formats import WIB
from opsconsole.console.stuck_head import grouped
from opsconsole.console.stuck_rows import item_of, paid_with
from orders import names
from orders.models import Order
from orders.queries.browse import (
    COUNTED_TO,
    Page,
    Wanted,
    counted,
    newer_than,
    order_page,
    orders_among,
    place_of,
    recent_values,
)
from orders.queries.places import Place
from orders.queries.search import search
from orders.services.routing import PRIORITY
from orders.states import Channel, OrderState, Service

MOST_NEW: Final = 99
LISTS: Final[Mapping[str, str]] = {
    "state": "states",
    "service": "services",
    "gateway": "gateways",
    "method": "methods",
    "city": "cities",
    "channel": "channels",
    "origin": "origins",
}
NAMES: Final = ("q", *LISTS, "from", "to")
_ORIGINS: Final = {"platform": gettext_lazy("Platform"), "import": gettext_lazy("Imported")}


@dataclass(frozen=True)
class Asked(keyset.Asked):
    """`top` is the newest order that the reader has seen."""

    names = NAMES
    places = Place

    top: Place | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        return replace(super().read(query), top=Place.parse(query.get("top", "")))


def wanted_of(choices: Choices) -> Wanted:
    """The filter as the query takes it. A day that is no day is not a filter; the form says so."""
    lists: dict[str, Any] = {
        field: tuple("" if value == NONE else value for value in choices.many(name)) for name, field in LISTS.items()
    }
    text, last = choices.one("q"), day_of(choices.one("to"))
    return Wanted(
        **lists,
        placed_from=_midnight(day_of(choices.one("from"))),
        placed_to=_midnight(last + timedelta(days=1) if last else None),
        order_ids=tuple(match.order_id for match in search(text)) if text else None,
    )


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=WIB).astimezone(UTC) if day else None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One order of the list."""

    order: Order
    item: str
    paid_with: str
    owner: str

    @property
    def code(self) -> str:
        return self.order.public_id


@dataclass(frozen=True, kw_only=True)
class OrderList(keyset.KeysetList):
    """One page. `total` is text: beyond COUNTED_TO nobody counts."""

    url_name = "orders"
    at: datetime
    rows: Sequence[Row]
    total: str
    newcomers: int
    chips: Sequence[Chip]
    top: Place | None

    @property
    def pinned(self) -> Sequence[int]:
        return [row.order.pk for row in self.rows]

    @property
    def seen(self) -> dict[str, str]:
        return {"top": str(self.top or "")}


def read_orders(asked: Asked) -> OrderList:
    """A fixed number of queries: a page or the rows on screen, a count, what is newer, what to choose from."""
    wanted = wanted_of(asked.choices)
    page = (
        _again(asked) if asked.pins else order_page(wanted, after=asked.after, before=asked.before, limit=keyset.PAGE)
    )
    top = asked.top or (place_of(page.orders[0]) if page.orders and not asked.place else None)
    return OrderList(
        at=timezone.now(),
        asked=asked,
        rows=[_row(order) for order in page.orders],
        total=_total(counted(wanted)),
        newcomers=newer_than(wanted, asked.top, most=MOST_NEW) if asked.top else 0,
        chips=() if asked.pins else chips(asked.choices),
        top=top,
        next_place=page.next,
        previous_place=page.previous,
    )


def _anew(asked: Asked, wanted: Wanted) -> Page:
    return order_page(wanted, after=asked.after, before=asked.before, limit=keyset.PAGE)


def _again(asked: Asked) -> Page:
    """The rows on screen as they are now; where the pages go on does not change by that."""
    orders = orders_among(asked.pins)
    is_full = len(asked.pins) == keyset.PAGE
    return Page(
        orders,
        next=place_of(orders[-1]) if orders and (is_full or asked.before) else None,
        previous=place_of(orders[0]) if orders and asked.place else None,
    )


def _row(order: Order) -> Row:
    gateway = order.owning_attempt.gateway if order.owning_attempt else ""
    return Row(
        order=order,
        item=item_of(order.service, order.city),
        paid_with=paid_with(order.method, gateway),
        owner=(order.owner.get_full_name() or order.owner.get_username()) if order.owner else "",
    )


def _total(count: int) -> str:
    return f"{grouped(COUNTED_TO)}+" if count > COUNTED_TO else grouped(count)


def chips(choices: Choices) -> list[Chip]:
    """What may be chosen: what exists, and methods and cities of late. Nobody counts ten million orders."""
    methods, cities = recent_values()
    enums = {"state": OrderState.choices, "service": Service.choices, "channel": Channel.choices}
    values: dict[str, tuple[Sequence[str], Callable[[str], str]]] = {
        **{name: ([value for value, _label in pairs], _called(dict(pairs))) for name, pairs in enums.items()},
        "gateway": (PRIORITY, names.system),
        "method": (sorted({*names.METHODS, *methods}), names.method),
        "city": (cities, str),
        "origin": (list(_ORIGINS), _called(_ORIGINS)),
    }
    return [_chip(name, choices, *values[name]) for name in LISTS]


_LABELS: Final = {
    "state": gettext_lazy("State"),
    "service": gettext_lazy("Service"),
    "gateway": gettext_lazy("Gateway"),
    "method": gettext_lazy("Method"),
    "city": gettext_lazy("City"),
    "channel": gettext_lazy("Channel"),
    "origin": gettext_lazy("Origin"),
}


def _called(labels: Mapping[Any, Any]) -> Callable[[str], str]:
    return lambda value: str(labels.get(value, value))


def _chip(name: str, choices: Choices, values: Sequence[str], called: Callable[[str], str]) -> Chip:
    on = choices.many(name)
    every = dict.fromkeys((*values, *on))
    options = [Option(value=value, label=called(value), is_on=value in on) for value in every]
    return Chip(name=name, label=_LABELS[name], options=options)


def in_words(found: OrderList) -> list[str]:
    """The filters that are on, for the empty list that names them."""
    choices = found.asked.choices
    said = [f"“{choices.one('q')}”"] if choices.one("q") else []
    for chip in found.chips:
        on = [str(option.label) for option in chip.options if option.is_on]
        said += [f"{chip.label}: {', '.join(on)}"] if on else []
    days = [choices.one(name) for name in ("from", "to")]
    return [*said, " – ".join(day or "…" for day in days)] if any(days) else said
