"""Rent, delivery and shuttle partners: they book like TPG and send the same trip events."""

from collections.abc import Mapping

from django.conf import settings

from orders.clients import trip_events
from orders.clients.bookings import BookingPartner
from orders.clients.gateway import BadSignature, Unparseable
from orders.clients.trip_events import TripEvent

rent = BookingPartner("rent")
delivery = BookingPartner("delivery")
shuttle = BookingPartner("shuttle")


def verify_event(name: str, *, raw: bytes, headers: Mapping[str, str]) -> TripEvent | BadSignature | Unparseable:
    """`name`: rent, delivery or shuttle; another name has no secret and nothing verifies."""
    if name not in settings.PARTNERS:
        return BadSignature("no such partner")
    secret = settings.PARTNERS[name]["callback_secret"]
    return trip_events.verified(raw, headers=headers, secret=secret, partner=name)
