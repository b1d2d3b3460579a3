"""The inventory of goods: stock is reserved under our key, and released by the same key.

The same key never reserves twice; what became of a lost answer is asked by that key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orders.clients import wire
from orders.resilience import Answered, Outcome, Refused, call
from orders.resilience.outcome import parsed

NAME = "inventory"
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Reservation:
    """`state` in the inventory's words: reserved, released."""

    reservation_id: str
    state: str
    order_ref: str


def reserve(
    order_ref: str, *, lines: Sequence[Mapping[str, Any]], idempotency_key: str, deadline: float | None = None
) -> Outcome[Reservation]:
    """`lines` are `{"sku": text, "quantity": whole number}`. All of them or none: refused with `out_of_stock`."""
    outcome = call(
        NAME,
        "POST",
        "/v1/reservations",
        json={"order_ref": order_ref, "lines": [dict(line) for line in lines]},
        headers={"idempotency-key": idempotency_key},
        deadline=deadline,
        idempotent=True,
    )
    return parsed(outcome, by=_reservation)


def ask_reservation(idempotency_key: str, *, deadline: float | None = None) -> Outcome[Reservation | None]:
    """None: the inventory knows nothing of this key now."""
    outcome = call(NAME, "GET", f"/v1/reservations/{quote(idempotency_key, safe='')}", deadline=deadline)
    if isinstance(outcome, Refused) and outcome.status == NOT_FOUND:
        return Answered(outcome.status, None)
    return parsed(outcome, by=_reservation)


def release(idempotency_key: str, *, deadline: float | None = None) -> Outcome[Reservation]:
    """Give the stock back; releasing again answers the same. An unknown key is refused with `not_found`."""
    path = f"/v1/reservations/{quote(idempotency_key, safe='')}/release"
    return parsed(call(NAME, "POST", path, json={}, deadline=deadline, idempotent=True), by=_reservation)


def _reservation(data: Mapping[str, Any]) -> Reservation:
    return Reservation(
        reservation_id=wire.text(data["reservation_id"], name="reservation_id"),
        state=data["status"],
        order_ref=data["order_ref"],
    )
