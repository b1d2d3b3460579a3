"""Taxi Partner Gateway, the only bridge to the dispatch system BBD."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from orders.clients import trip_events
from orders.clients.bookings import Booking, BookingPartner
from orders.clients.gateway import BadSignature, Unparseable
from orders.clients.trip_events import TripEvent
from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "tpg"
_partner = BookingPartner(NAME)
book = _partner.book
ask_booking = _partner.ask_booking
cancel = _partner.cancel

__all__ = ["Booking", "Vehicle", "ask_booking", "book", "cancel", "vacant_vehicles", "verify_event"]


@dataclass(frozen=True, slots=True)
class Vehicle:
    vehicle: str
    driver: str
    lat: float
    lng: float
    distance_m: int


def vacant_vehicles(city: str, *, lat: float, lng: float, deadline: float | None = None) -> Outcome[list[Vehicle]]:
    """Nearest first; distance in metres."""
    query = urlencode({"city": city, "lat": lat, "lng": lng})
    return parsed(call(NAME, "GET", f"/v1/vehicles?{query}", deadline=deadline), by=_vehicles)


def verify_event(raw: bytes, *, headers: Mapping[str, str]) -> TripEvent | BadSignature | Unparseable:
    secret = settings.TPG["callback_secret"]
    return trip_events.verified(raw, headers=headers, secret=secret, partner=NAME)


def _vehicles(data: Mapping[str, Any]) -> list[Vehicle]:
    return [
        Vehicle(
            each["vehicle"],
            each["driver"],
            float(each["lat"]),
            float(each["lng"]),
            int(each["distance_m"]),
        )
        for each in data["vehicles"]
    ]
