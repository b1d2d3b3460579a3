"""What channels send: one valid item of each service."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

SUDIRMAN = {"address": "Jl. Jend. Sudirman 52", "lat": -6.2251, "lng": 106.8096}
AIRPORT = {"address": "Soekarno-Hatta, Terminal 3", "lat": -6.1199, "lng": 106.6657}
SARI = {"id": "C-1", "name": "Sari Dewi", "phone": "+6281234567890", "email": "sari@example.id"}
TAXI: dict[str, Any] = {"service": "taxi", "details": {"pickup": SUDIRMAN, "dropoff": AIRPORT}}
MUG: dict[str, Any] = {"service": "goods", "details": {"sku": "MUG-1", "quantity": 2, "name": "Mug"}}


def at(**ahead: float) -> str:
    """A time from now, as text with a zone."""
    moment: datetime = timezone.localtime() + timedelta(**ahead)
    return moment.replace(microsecond=0).isoformat()


def rent(**changes: Any) -> dict[str, Any]:
    details = {"pickup": SUDIRMAN, "start_at": at(days=2), "end_at": at(days=4), "vehicle_class": "suv", **changes}
    return {"service": "rent", "details": details}


def delivery(**changes: Any) -> dict[str, Any]:
    details = {
        "pickup": SUDIRMAN,
        "dropoff": AIRPORT,
        "sender": {"name": "Sari", "phone": "+6281234567890"},
        "recipient": {"name": "Budi", "phone": "0812-9876-5432"},
        "parcel": {"weight_grams": 2500, "description": "Books"},
        **changes,
    }
    return {"service": "delivery", "details": details}


def shuttle(**changes: Any) -> dict[str, Any]:
    details = {"origin": "Blok M", "destination": "Dipatiukur", "departure_at": at(days=1), "seats": 2, **changes}
    return {"service": "shuttle", "details": details}


def taxi(**changes: Any) -> dict[str, Any]:
    return {"service": "taxi", "details": {**TAXI["details"], **changes}}


EACH_SERVICE = (TAXI, rent(), delivery(), shuttle(), MUG)
