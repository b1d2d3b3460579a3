"""Trip events from TPG and the partners: signed over the whole body, so they are facts."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.clients import wire
from orders.clients.gateway import BadSignature, Unparseable

SIGNATURE_HEADER = "x-tpg-signature"
EVENTS = ("assigned", "picked_up", "completed", "cancelled_by_driver")


@dataclass(frozen=True, slots=True)
class TripEvent:
    partner: str
    event_id: str
    booking_id: str
    order_ref: str
    item: str
    event: str
    at: datetime
    vehicle: str
    driver: str


def signature(raw: bytes, *, secret: str) -> str:
    """hex HMAC-SHA256 of the raw body."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def verified(
    raw: bytes, *, headers: Mapping[str, str], secret: str, partner: str
) -> TripEvent | BadSignature | Unparseable:
    """Never raises, whatever the bytes are."""
    given = wire.header(headers, SIGNATURE_HEADER).encode("utf-8", "replace")
    if not hmac.compare_digest(signature(raw, secret=secret).encode(), given):
        return BadSignature(f"{SIGNATURE_HEADER} does not fit")
    return parsed_event(raw, partner=partner)


def parsed_event(raw: bytes, *, partner: str) -> TripEvent | Unparseable:
    try:
        return _event(wire.strict_json(raw), partner=partner)
    except wire.Unreadable as error:
        return Unparseable(str(error))


def _event(data: Mapping[str, Any], *, partner: str) -> TripEvent:
    at = wire.iso_instant(data.get("at"))
    if at is None:
        raise wire.Unreadable("at is not an instant with a zone")
    if data.get("event") not in EVENTS:
        raise wire.Unreadable("event is not one we know")
    return TripEvent(
        partner=partner,
        event_id=wire.text(data.get("event_id"), name="event_id"),
        booking_id=wire.text(data.get("booking_id"), name="booking_id"),
        order_ref=wire.text(data.get("order_ref"), name="order_ref"),
        item=wire.optional_text(data.get("item"), name="item"),
        event=data["event"],
        at=at,
        vehicle=wire.optional_text(data.get("vehicle"), name="vehicle"),
        driver=wire.optional_text(data.get("driver"), name="driver"),
    )
