"""TPG/BBD and the rent, delivery and shuttle partners: bookings by key, and trips that run.

The `Idempotency-Key` of a booking is honoured: the same key never books twice. Trip events go to
the application as JSON signed by HMAC-SHA256 over the raw body.
"""

import hashlib
import hmac
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.callbacks import Callbacks, Message, RetryPolicy
from opsconsole.sandbox.chance import chance
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.world import World, references

SIGNATURE_HEADER = "x-tpg-signature"
# Simulated seconds from the booking to each event.
TRIPS = {
    "tpg": {"assigned": 20, "picked_up": 300, "completed": 1200},
    "rent": {"assigned": 60, "picked_up": 900, "completed": 3600},
    "delivery": {"assigned": 60, "picked_up": 600, "completed": 2400},
    "shuttle": {"assigned": 30, "picked_up": 900, "completed": 2700},
}
ORDER = ("booked", "assigned", "picked_up", "completed")
ENDED = ("completed", "cancelled", "cancelled_by_driver")
DRIVERS = ("Agus", "Budi", "Dewi", "Eko", "Rina", "Slamet", "Tono", "Wati")


class Fleet(Neighbour):
    retry_policy = RetryPolicy(
        waits=(10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
        timeout=10.0,
        tries_after=lambda status: 6,
    )

    def __init__(self, world: World, callbacks: Callbacks, *, name: str) -> None:
        self.name = name
        super().__init__(world, callbacks)

    def make_routes(self) -> list[Route]:
        by_key = "/v1/bookings/by-key/<key>"
        return [
            route("POST", "/v1/bookings", "book", run=self._book, refs=_named),
            route("GET", by_key, "ask_booking", run=self._ask, refs=self._known),
            route("POST", f"{by_key}/cancel", "cancel", run=self._cancel, refs=self._known),
            route("GET", "/v1/vehicles", "vehicles", run=self._vehicles),
        ]

    @property
    def bookings(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "bookings")

    def find(self, reference: str) -> Row | None:
        """The newest booking by key, booking id, order or item reference."""
        known = self.bookings.get(reference)
        if known is not None:
            return known
        rows = (row for row in self.bookings.values() if reference in row["refs"])
        return max(rows, key=lambda row: row["booked_at"], default=None)

    def resume(self) -> None:
        for row in self.bookings.values():
            if row["status"] not in ENDED:
                self._drive_on(row)

    def _known(self, request: Request, found: Found) -> list[str]:
        row = self.bookings.get(found["key"])
        return [found["key"]] if row is None else row["refs"]

    def _book(self, request: Request, found: Found) -> Response:
        wanted, key = request.json(), request.headers.get("idempotency-key", "")
        if not key or not wanted.get("order_ref"):
            return _refusal("key_or_order_missing", 400)
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        row = self.bookings.get(key)
        if row is not None and row["digest"] != digest:
            return _refusal("key_reused", 409)
        if row is not None:
            return answer(_described(row))
        return answer(_described(self._new_booking(wanted, key=key, digest=digest)), 201)

    def _new_booking(self, wanted: dict[str, Any], *, key: str, digest: str) -> Row:
        item = _item(wanted)
        booking_id = f"{self.name.upper()}-{len(self.bookings) + 1:07d}"
        row = {
            "key": key,
            "digest": digest,
            "booking_id": booking_id,
            "order_ref": str(wanted["order_ref"]),
            "item_ref": str(item.get("ref", "")),
            "item": item,
            "status": "booked",
            "booked_at": now().isoformat(),
            "updated_at": now().isoformat(),
            "refs": [*_named_in(wanted), booking_id, key],
            **self._crew(booking_id),
        }
        self._save(row)
        self._note("booked", row)
        self._drive_on(row)
        return row

    def _crew(self, booking_id: str) -> dict[str, str]:
        number = int(chance(self.world.seed, self.name, booking_id) * 9000) + 1000
        return {"vehicle": f"B {number} MRG", "driver": DRIVERS[number % len(DRIVERS)]}

    def _save(self, row: Row) -> None:
        self.world.books.put(self.name, "bookings", row["key"], row)

    def _note(self, effect: str, row: Row) -> None:
        self.world.books.note(
            self.name,
            effect,
            booking_id=row["booking_id"],
            order_ref=row["order_ref"],
            item_ref=row["item_ref"],
            key=row["key"],
        )

    def _ask(self, request: Request, found: Found) -> Response:
        row = self.bookings.get(found["key"])
        return _refusal("not_found", 404) if row is None else answer(_described(row))

    def _cancel(self, request: Request, found: Found) -> Response:
        row = self.bookings.get(found["key"])
        if row is None:
            return _refusal("not_found", 404)
        if row["status"] == "completed":
            return _refusal("too_late", 409)
        if row["status"] not in ENDED:
            self._become(row, "cancelled")
            self._note("cancelled", row)
        return answer(_described(row))

    def _become(self, row: Row, status: str) -> None:
        row.update(status=status, updated_at=now().isoformat())
        self._save(row)

    # Trips.

    def _drive_on(self, row: Row) -> None:
        """Wait for the next event of a trip; after a restart from where it was."""
        following = ORDER[ORDER.index(row["status"]) + 1]
        offset = TRIPS[self.name][following] / self.world.speed
        due = datetime.fromisoformat(row["booked_at"]) + timedelta(seconds=offset)
        self.world.later((due - now()).total_seconds(), lambda: self._drive(row["key"], following))

    def _drive(self, key: str, event: str) -> None:
        row = self.bookings.get(key)
        if row is None or row["status"] in ENDED or ORDER.index(event) <= ORDER.index(row["status"]):
            return
        turn = self._turn(row, event)
        if turn != "stuck":
            self.happen(row, event="cancelled_by_driver" if turn == "driver_cancels" else event)

    def _turn(self, row: Row, event: str) -> str | None:
        """What happens instead of an event. The dice let drivers cancel before they pick somebody up, and let
        trips stand still before their end; the `code` of a plan names the event itself."""
        planned = self.world.plans.take(row["refs"], neighbour=self.name, on="trip")
        if planned is not None:
            return planned.do if planned.code in (None, event) else None
        faults = self.world.faults(self.name)
        rates = {"picked_up": ("driver_cancels", faults.driver_cancels), "completed": ("stuck", faults.stuck_trips)}
        do, rate = rates.get(event, ("", 0.0))
        return do if self.world.hits(self.name, rate, do, refs=row["refs"]) else None

    def happen(self, row: Row, *, event: str) -> Row:
        """An event of the trip, told to the application."""
        self._become(row, event)
        self._note(event, row)
        self._tell(row, event=event)
        if event not in ENDED:
            self._drive_on(row)
        return row

    def _tell(self, row: Row, *, event: str) -> None:
        body = self._event(row, event=event)
        path = "/callbacks/tpg" if self.name == "tpg" else f"/callbacks/partners/{self.name}"
        self.callbacks.send(self.name, Message(path, body, self._headers(body), row["refs"]))

    def _event(self, row: Row, *, event: str) -> bytes:
        told = {
            "event_id": str(uuid.uuid4()),
            "booking_id": row["booking_id"],
            "order_ref": row["order_ref"],
            "item": row["item_ref"],
            "event": event,
            "at": now().isoformat(),
            "vehicle": row["vehicle"],
            "driver": row["driver"],
        }
        return json.dumps(told).encode()

    def _headers(self, body: bytes) -> dict[str, str]:
        secrets = self.world.secrets
        keys = secrets.tpg if self.name == "tpg" else secrets.partners[self.name]
        digest = hmac.new(keys["callback_secret"].encode(), body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", SIGNATURE_HEADER: digest}

    def _vehicles(self, request: Request, found: Found) -> Response:
        """Five vacant vehicles, the same for the same place."""
        lat, lng = (
            _degrees(request.query.get("lat")),
            _degrees(request.query.get("lng")),
        )
        if lat is None or lng is None or not request.query.get("city"):
            return _refusal("place_missing", 400)
        place = (self.world.seed, request.query["city"], round(lat, 2), round(lng, 2))
        vehicles = [_vacant(place, number, lat=lat, lng=lng) for number in range(5)]
        return answer({"vehicles": sorted(vehicles, key=lambda each: each["distance_m"])})


def _vacant(place: tuple[Any, ...], number: int, *, lat: float, lng: float) -> dict[str, Any]:
    metres = int(200 + 3000 * chance(*place, number))
    plate = int(1000 + 9000 * chance(*place, "plate", number))
    return {
        "vehicle": f"B {plate} MRG",
        "driver": DRIVERS[plate % len(DRIVERS)],
        "lat": round(lat + metres / 111_000, 6),
        "lng": lng,
        "distance_m": metres,
    }


def _degrees(given: str | None) -> float | None:
    try:
        return float(given or "")
    except ValueError:
        return None


def _named(request: Request, found: Found) -> list[str]:
    return _named_in(request.json())


def _named_in(wanted: dict[str, Any]) -> list[str]:
    item = _item(wanted)
    return references(wanted.get("order_ref"), item.get("ref"), item.get("email"), item.get("phone"))


def _item(wanted: dict[str, Any]) -> dict[str, Any]:
    item = wanted.get("item")
    return item if isinstance(item, dict) else {}


def _described(row: Row) -> dict[str, Any]:
    names = (
        "booking_id",
        "status",
        "order_ref",
        "item_ref",
        "vehicle",
        "driver",
        "updated_at",
    )
    return {name: row[name] for name in names}


def _refusal(code: str, status: int) -> Response:
    return answer({"code": code, "message": code.replace("_", " ")}, status)
