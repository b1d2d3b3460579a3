"""What the reader of the stuck list wants to see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from orders.states import OrderState

UNPAID = (str(OrderState.CREATED), str(OrderState.AWAITING_PAYMENT))

Condition = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StuckFilter:
    """Empty means any. `machines` are those whose clock ran out (order, saga, dispatch, refund,
    posting), `kinds` the (machine, state) pairs it ran out in, `states` are states of the order."""

    machines: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    states: tuple[str, ...] = ()
    min_age: timedelta | None = None
    services: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    owner: int | None = None
    unowned: bool = False
    paid: bool | None = None
    held: Literal["exclude", "include", "only"] = "exclude"
    text: str = ""


def conditions(wanted: StuckFilter) -> Iterator[Condition]:
    """SQL over `o`, the order of a stuck thing, with its parameters."""
    yield from _lists(wanted)
    yield from _owner(wanted)
    if wanted.held != "include":
        held = "o.held_until > %(clock)s"
        yield (held if wanted.held == "only" else f"({held}) IS NOT TRUE"), {}
    if wanted.paid is not None:
        yield f"{'NOT ' if wanted.paid else ''}o.state = ANY(%(unpaid)s)", {"unpaid": list(UNPAID)}
    if wanted.text.strip():
        yield _TEXT, {"text": _pattern(wanted.text.strip())}


_COLUMNS = {
    "states": "o.state",
    "services": "o.service",
    "methods": "o.method",
    "cities": "o.city",
    "channels": "o.channel",
}
# '' is an order without a link, or one that nobody has diagnosed.
_GATEWAY = "coalesce((SELECT a.gateway FROM orders_attempt a WHERE a.id = o.owning_attempt_id), '') = ANY(%(gateways)s)"
_CAUSE = "coalesce((SELECT d.cause FROM orders_diagnosis d WHERE d.order_id = o.id), '') = ANY(%(causes)s)"
# Only rows that are stuck are looked at, so that no index is needed for it.
_TEXT = (
    "(o.public_id ILIKE %(text)s OR o.customer_name ILIKE %(text)s OR o.customer_phone ILIKE %(text)s"
    " OR o.customer_id ILIKE %(text)s OR EXISTS (SELECT FROM orders_attempt a WHERE a.order_id = o.id"
    " AND (a.reference ILIKE %(text)s OR a.gateway_reference ILIKE %(text)s)))"
)


def _lists(wanted: StuckFilter) -> Iterator[Condition]:
    for name, column in _COLUMNS.items():
        values = getattr(wanted, name)
        if values:
            yield f"{column} = ANY(%({name})s)", {name: list(values)}
    if wanted.gateways:
        yield _GATEWAY, {"gateways": list(wanted.gateways)}
    if wanted.causes:
        yield _CAUSE, {"causes": list(wanted.causes)}


def _owner(wanted: StuckFilter) -> Iterator[Condition]:
    if wanted.unowned:
        yield "o.owner_id IS NULL", {}
    elif wanted.owner is not None:
        yield "o.owner_id = %(owner)s", {"owner": wanted.owner}


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
