"""Booking an item with TPG/BBD or with a rent, delivery or shuttle partner: one shape for all four.

A booking is keyed by our idempotency key at the partner: the same key never books twice, and what
became of a lost answer is asked by that key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from orders.clients import wire
from orders.resilience import Answered, Outcome, Refused, call
from orders.resilience.outcome import parsed

NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Booking:
    """`state` in the partner's words: booked, assigned, picked_up, completed,
    cancelled_by_driver, cancelled."""

    booking_id: str
    state: str
    order_ref: str
    item_ref: str
    vehicle: str = ""
    driver: str = ""
    updated_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether the partner will carry it out, or has."""
        return self.state not in ("cancelled", "cancelled_by_driver")


class BookingPartner:
    def __init__(self, name: str) -> None:
        self.name = name

    def book(
        self,
        order_ref: str,
        *,
        item: Mapping[str, Any],
        idempotency_key: str,
        deadline: float | None = None,
    ) -> Outcome[Booking]:
        """`item` must be JSON; its `ref` names it within the order, the rest is for the partner."""
        outcome = call(
            self.name,
            "POST",
            "/v1/bookings",
            json={"order_ref": order_ref, "item": dict(item)},
            headers={"idempotency-key": idempotency_key},
            deadline=deadline,
            idempotent=True,
        )
        return parsed(outcome, by=_booking)

    def ask_booking(self, idempotency_key: str, *, deadline: float | None = None) -> Outcome[Booking | None]:
        """None: the partner knows nothing of this key now."""
        path = f"/v1/bookings/by-key/{quote(idempotency_key, safe='')}"
        outcome = call(self.name, "GET", path, deadline=deadline)
        if isinstance(outcome, Refused) and outcome.status == NOT_FOUND:
            return Answered(outcome.status, None)
        return parsed(outcome, by=_booking)

    def cancel(self, idempotency_key: str, *, reason: str = "", deadline: float | None = None) -> Outcome[Booking]:
        """Cancel by the key of the booking; cancelling again answers the same.

        A key that is not known is refused with code `not_found`; a trip that has ended with
        `too_late`.
        """
        path = f"/v1/bookings/by-key/{quote(idempotency_key, safe='')}/cancel"
        outcome = call(
            self.name,
            "POST",
            path,
            json={"reason": reason},
            deadline=deadline,
            idempotent=True,
        )
        return parsed(outcome, by=_booking)


def _booking(data: Mapping[str, Any]) -> Booking:
    return Booking(
        booking_id=wire.text(data["booking_id"], name="booking_id"),
        state=data["status"],
        order_ref=data["order_ref"],
        item_ref=data.get("item_ref") or "",
        vehicle=data.get("vehicle") or "",
        driver=data.get("driver") or "",
        updated_at=wire.iso_instant(data.get("updated_at")),
    )
