"""Which of the orders that hang an incident can have hurt: those that need what fails (ADR 0121)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from orders.clients.codes import GATEWAYS
from orders.models import Item
from orders.queries.stuck import StuckRow
from orders.states import OrderState

# Who books which service.
BOOKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("tpg", "bbd", "bbd_auth"), "taxi"),
    "rent": "rent",
    "delivery": "delivery",
    "shuttle": "shuttle",
    "inventory": "goods",
}
_BEING_BOOKED: Final = (OrderState.PAID, OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH, OrderState.ACTIVE)
_BEING_PAID: Final = (OrderState.CREATED, OrderState.AWAITING_PAYMENT, OrderState.PAID_AFTER_CLOSE)
Needs = Callable[[StuckRow, Collection[str]], bool]  # the row, and the services that its order is made of


def hurt_by(services: Collection[str], rows: Sequence[StuckRow]) -> Sequence[StuckRow]:
    """All of them where one of the services is the platform itself, or what every order needs."""
    needs = [_NEEDS[service] for service in services if service in _NEEDS]
    if len(needs) < len(services):
        return rows
    ordered = _ordered([row.order_id for row in rows])
    return [row for row in rows if any(each(row, ordered[row.order_id]) for each in needs)]


def _ordered(order_ids: Sequence[int]) -> Mapping[int, Collection[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for order_id, service in Item.objects.filter(order__in=order_ids).values_list("order_id", "service"):
        found[order_id].add(service)
    return found


def _booked_by(booker: str) -> Needs:
    """A trip that waits for its partner. What waits for money or for Head Office waits for somebody else."""

    def needs(row: StuckRow, ordered: Collection[str]) -> bool:
        waits = row.machine in ("saga", "dispatch") or (row.machine == "order" and row.order_state in _BEING_BOOKED)
        return waits and BOOKS[booker] in ordered

    return needs


def _moves_money(row: StuckRow, _ordered: Collection[str]) -> bool:
    return row.machine in ("attempt", "refund") or (row.machine == "order" and row.order_state in _BEING_PAID)


def _paid_at(gateway: str) -> Needs:
    return lambda row, ordered: row.gateway in ("", gateway) and _moves_money(row, ordered)


def _is_told_to_head_office(row: StuckRow, _ordered: Collection[str]) -> bool:
    return row.machine == "posting"


_NEEDS: Final[Mapping[str, Needs]] = {
    **{booker: _booked_by(booker) for booker in BOOKS},
    **{gateway: _paid_at(gateway) for gateway in GATEWAYS},
    "upg": _moves_money,
    # Without the map of cities nothing can be booked at Head Office; nothing else waits for it.
    **dict.fromkeys(("ho", "config"), _is_told_to_head_office),
}
