"""The things a cart can hold, each with what its partner needs to know.

`fare()` names what costs the same within a service and a city; a last known price stands in only
for the same fare (orders/services/pricing.py).
"""

import math
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from django.utils import timezone
from pydantic import ConfigDict, Field, RootModel, model_validator

from opsconsole.api.schemas.common import Ahead, Contact, Given, Money, Note, Place, text
from orders.services.carts import Line

EARTH = 6371.0  # kilometres, mean radius
BAND = 5  # kilometres; trips of one band cost about the same
MOTORCYCLE_LOAD = 20_000  # grams
SHORTEST_RENT, LONGEST_RENT = timedelta(hours=4), timedelta(days=30)

_SUDIRMAN = {"address": "Jl. Jend. Sudirman 52, Jakarta", "lat": -6.2251, "lng": 106.8096}
_AIRPORT = {"address": "Soekarno-Hatta, Terminal 3", "lat": -6.1199, "lng": 106.6657}
_SENDER = {"name": "Sari Dewi", "phone": "+6281234567890"}
_RECIPIENT = {"name": "Budi Santoso", "phone": "+6281298765432"}


def _day(days: int, clock: str) -> str:
    """A time of an example: `days` from now, so that it can be tried."""
    return f"{timezone.localdate() + timedelta(days=days)}T{clock}:00+07:00"


def _example(**details: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [details]})


def distance(start: Place, end: Place) -> float:
    """Kilometres as the crow flies (haversine)."""
    lat1, lat2 = math.radians(start.lat), math.radians(end.lat)
    across = math.sin(math.radians(end.lng - start.lng) / 2) ** 2
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * across
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(chord)))


def band(start: Place, end: Place) -> int:
    return math.ceil(distance(start, end) / BAND) * BAND


def _dump(details: Given) -> dict[str, Any]:
    return details.model_dump(mode="json", exclude_none=True)


def _dump_trip(details: "TaxiDetails | DeliveryDetails") -> dict[str, Any]:
    """With the distance, which Session Manager prices by."""
    return {**_dump(details), "distance_km": round(distance(details.pickup, details.dropoff), 1)}


class TaxiDetails(Given):
    """One ride. Without `pickup_at`, as soon as a car is there."""

    model_config = _example(pickup=_SUDIRMAN, dropoff=_AIRPORT, vehicle_class="standard", passengers=2)

    pickup: Place
    dropoff: Place
    pickup_at: Ahead | None = None
    vehicle_class: Literal["standard", "premium", "van"] = "standard"
    passengers: Annotated[int, Field(ge=1, le=7)] = 1
    note: Note = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.pickup == self.dropoff:
            raise ValueError("dropoff is the same place as pickup")
        if self.passengers > 4 and self.vehicle_class != "van":
            raise ValueError("more than 4 passengers need a van")
        return self

    def fare(self) -> str:
        return f"{self.vehicle_class}:{band(self.pickup, self.dropoff)}km"

    def kept(self) -> dict[str, Any]:
        return _dump_trip(self)


class RentDetails(Given):
    """A car for 4 hours to 30 days, with or without a driver."""

    model_config = _example(
        pickup=_SUDIRMAN,
        start_at=_day(14, "08:00"),
        end_at=_day(16, "20:00"),
        vehicle_class="mpv",
        with_driver=True,
    )

    pickup: Place
    return_to: Place | None = None
    start_at: Ahead
    end_at: Ahead
    vehicle_class: Literal["city_car", "mpv", "suv", "minibus"] = "mpv"
    with_driver: bool = True
    note: Note = ""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not SHORTEST_RENT <= self.end_at - self.start_at <= LONGEST_RENT:
            raise ValueError("end_at must be 4 hours to 30 days after start_at")
        return self

    def fare(self) -> str:
        days = math.ceil((self.end_at - self.start_at) / timedelta(days=1))
        return f"{self.vehicle_class}:{'driver' if self.with_driver else 'self'}:{days}d"

    def kept(self) -> dict[str, Any]:
        return _dump(self)


class Parcel(Given):
    weight_grams: Annotated[int, Field(ge=1, le=200_000, examples=[2500])]
    description: Annotated[str, text(120), Field(examples=["Books"])]
    value: Money | None = None


class DeliveryDetails(Given):
    """One parcel from door to door."""

    model_config = _example(
        pickup=_SUDIRMAN,
        dropoff=_AIRPORT,
        sender=_SENDER,
        recipient=_RECIPIENT,
        parcel={"weight_grams": 2500, "description": "Books"},
        vehicle_class="motorcycle",
    )

    pickup: Place
    dropoff: Place
    sender: Contact
    recipient: Contact
    parcel: Parcel
    pickup_at: Ahead | None = None
    vehicle_class: Literal["motorcycle", "car", "van"] = "motorcycle"
    note: Note = ""

    @model_validator(mode="after")
    def _carries(self) -> Self:
        if self.pickup == self.dropoff:
            raise ValueError("dropoff is the same place as pickup")
        if self.vehicle_class == "motorcycle" and self.parcel.weight_grams > MOTORCYCLE_LOAD:
            raise ValueError("a motorcycle carries at most 20 kg")
        return self

    def fare(self) -> str:
        kilograms = math.ceil(self.parcel.weight_grams / 1000)
        return f"{self.vehicle_class}:{kilograms}kg:{band(self.pickup, self.dropoff)}km"

    def kept(self) -> dict[str, Any]:
        return _dump_trip(self)


class ShuttleDetails(Given):
    """Seats on one departure between two stops."""

    model_config = _example(
        origin="Jakarta Blok M",
        destination="Bandung Dipatiukur",
        departure_at=_day(14, "06:30"),
        seats=2,
    )

    origin: Annotated[str, text(80)]
    destination: Annotated[str, text(80)]
    departure_at: Ahead
    seats: Annotated[int, Field(ge=1, le=10)] = 1
    vehicle_class: Literal["economy", "executive"] = "economy"
    note: Note = ""

    @model_validator(mode="after")
    def _goes(self) -> Self:
        if self.origin.casefold() == self.destination.casefold():
            raise ValueError("destination is the same stop as origin")
        return self

    def fare(self) -> str:
        return f"{self.vehicle_class}:{self.origin}:{self.destination}:{self.seats}"

    def kept(self) -> dict[str, Any]:
        return _dump(self)


class GoodsDetails(Given):
    """Pieces of one article from the inventory."""

    model_config = _example(sku="MUG-1", quantity=2, name="Mug")

    sku: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["MUG-1"])]
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    name: Note = ""

    def fare(self) -> str:
        return f"{self.sku}:{self.quantity}"

    def kept(self) -> dict[str, Any]:
        return _dump(self)


class TaxiItem(Given):
    service: Literal["taxi"]
    details: TaxiDetails


class RentItem(Given):
    service: Literal["rent"]
    details: RentDetails


class DeliveryItem(Given):
    service: Literal["delivery"]
    details: DeliveryDetails


class ShuttleItem(Given):
    service: Literal["shuttle"]
    details: ShuttleDetails


class GoodsItem(Given):
    """Goods are checked out (`POST /checkouts`), in a cart of their own."""

    service: Literal["goods"]
    details: GoodsDetails


AnyItem = Annotated[TaxiItem | RentItem | DeliveryItem | ShuttleItem | GoodsItem, Field(discriminator="service")]


class NewItem(RootModel[AnyItem]):
    """An item for a cart: the service, and the details of that service."""

    def line(self) -> Line:
        return Line(
            service=self.root.service,
            details=self.root.details.kept(),
            fare=self.root.details.fare(),
        )
