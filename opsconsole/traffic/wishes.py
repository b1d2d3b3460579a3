"""What a customer wants: service, city, way of paying, amounts as people in Indonesia pay them.

The details of an item are those of the JSON API. `amount` (rupiah) is what the direct path charges;
through the API the price is Session Manager's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from opsconsole.traffic.dice import between, pick, weighted
from opsconsole.traffic.people import Person
from opsconsole.traffic.places import CITIES, LINES, SPOTS

SERVICES = {"taxi": 60.0, "delivery": 18.0, "shuttle": 12.0, "rent": 10.0}
METHODS = {
    "gopay": 26.0,
    "qris": 20.0,
    "va_bca": 13.0,
    "card": 12.0,
    "ovo": 9.0,
    "shopeepay": 8.0,
    "va_bni": 5.0,
    "va_permata": 3.0,
    "cstore": 4.0,
}
CHANNELS = {"app": 78.0, "web": 15.0, "corporate": 7.0}
PROMOS = {"": 88.0, "HEMAT10": 7.0, "MRG25": 3.0, "TAHUNBARU": 2.0}
# Rupiah: the smallest, the largest, the step.
AMOUNTS = {
    "taxi": (25_000, 250_000, 500),
    "rent": (400_000, 4_500_000, 50_000),
    "delivery": (15_000, 90_000, 500),
    "shuttle": (80_000, 250_000, 5_000),
}
# A wedding takes so many cars, at so much a car: a sum whose refund waits for a second person.
PARTY_OF_CARS, PARTY_PRICE = 15, 400_000
PARCELS = ("Buku", "Dokumen", "Pakaian", "Oleh-oleh", "Suku cadang", "Kue ulang tahun")


@dataclass(frozen=True, slots=True)
class Line:
    """One item."""

    service: str
    amount: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """Everything about one order before it exists."""

    number: int
    person: Person
    channel: str
    city: str
    method: str
    promo: str
    lines: tuple[Line, ...] = field(default=())

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Leaning:
    """What a wish must be like; empty means anything. `large`: cars for a wedding."""

    services: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    large: bool = False
    paired: bool | None = None


ANYTHING = Leaning()
PAIRED = 0.06  # so many orders have a second item


def wish(number: int, *, person: Person, seed: int, leaning: Leaning = ANYTHING) -> Wish:
    service = weighted(_only(SERVICES, leaning.services), "service", number, seed=seed)
    city = weighted(CITIES, "city", number, seed=seed)
    services = _services(service, number, leaning, seed=seed)
    return Wish(
        number=number,
        person=person,
        channel=weighted(CHANNELS, "channel", number, seed=seed),
        city=city,
        method=weighted(_only(METHODS, leaning.methods), "method", number, seed=seed),
        promo=weighted(PROMOS, "promo", number, seed=seed),
        lines=tuple(
            Line(
                each,
                _amount(each, number, place, large=leaning.large, seed=seed),
                _details(each, number, person, city, seed),
            )
            for place, each in enumerate(services)
        ),
    )


def _services(service: str, number: int, leaning: Leaning, *, seed: int) -> tuple[str, ...]:
    if leaning.large:
        return (service,) * PARTY_OF_CARS
    return (service, "delivery") if _is_paired(number, leaning, seed=seed) else (service,)


def _only(shares: dict[str, float], allowed: tuple[str, ...]) -> dict[str, float]:
    return {name: share for name, share in shares.items() if not allowed or name in allowed}


def _is_paired(number: int, leaning: Leaning, *, seed: int) -> bool:
    if leaning.paired is not None:
        return leaning.paired
    return between(0, 999, "paired", number, seed=seed) < PAIRED * 1000


def _amount(service: str, number: int, place: int, *, large: bool, seed: int) -> int:
    if large:
        return PARTY_PRICE
    low, high, step = AMOUNTS[service]
    return between(low, high, "amount", number, place, seed=seed, step=step)


def _details(service: str, number: int, person: Person, city: str, seed: int) -> dict[str, Any]:
    make = {"taxi": _ride, "delivery": _parcel, "rent": _rent, "shuttle": _seat}[service]
    return make(number, person, city, seed)


def _ride(number: int, person: Person, city: str, seed: int) -> dict[str, Any]:
    start, end = _two_spots(number, city, seed)
    return {"pickup": start, "dropoff": end, "passengers": between(1, 4, "passengers", number, seed=seed)}


def _parcel(number: int, person: Person, city: str, seed: int) -> dict[str, Any]:
    start, end = _two_spots(number, city, seed)
    contact = {"name": person.name, "phone": person.phone}
    weight = between(200, 12_000, "weight", number, seed=seed, step=100)
    return {
        "pickup": start,
        "dropoff": end,
        "sender": contact,
        "recipient": contact,
        "parcel": {"weight_grams": weight, "description": pick(PARCELS, "parcel", number, seed=seed)},
    }


def _rent(number: int, person: Person, city: str, seed: int) -> dict[str, Any]:
    start = _day(between(2, 20, "start", number, seed=seed), hour=8)
    days = between(1, 5, "days", number, seed=seed)
    return {
        "pickup": _spot(pick(SPOTS[city], "pickup", number, seed=seed)),
        "start_at": start.isoformat(),
        "end_at": (start + timedelta(days=days)).isoformat(),
        "vehicle_class": pick(("city_car", "mpv", "suv", "minibus"), "class", number, seed=seed),
    }


def _seat(number: int, person: Person, city: str, seed: int) -> dict[str, Any]:
    origin, *others = LINES[city]
    return {
        "origin": origin,
        "destination": pick(others, "to", number, seed=seed),
        "departure_at": _day(between(1, 9, "departure", number, seed=seed), hour=6).isoformat(),
        "seats": between(1, 2, "seats", number, seed=seed),
    }


def _day(days: int, *, hour: int) -> datetime:
    day = timezone.localtime() + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def _two_spots(number: int, city: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    spots = SPOTS[city]
    start = between(0, len(spots) - 1, "pickup", number, seed=seed)
    away = between(1, len(spots) - 1, "dropoff", number, seed=seed)
    return _spot(spots[start]), _spot(spots[(start + away) % len(spots)])


def _spot(spot: tuple[str, float, float]) -> dict[str, Any]:
    address, lat, lng = spot
    return {"address": address, "lat": lat, "lng": lng}
