"""The small neighbours: Session Manager (prices), Promo, Config and the Notification Center."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.chance import chance
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.world import references

SERVICES = ("taxi", "rent", "delivery", "shuttle")
# Rupiah: a start, and per kilometre.
TARIFFS = {
    "taxi": (12_000, 6_500),
    "rent": (350_000, 2_000),
    "delivery": (15_000, 3_500),
    "shuttle": (85_000, 500),
    "goods": (40_000, 0),  # a piece
}
STEP = 500
PROMOS = {"HEMAT10": (10, 20_000), "MRG25": (25, 50_000), "LEBARAN": (15, 100_000), "GRATIS": (100, 1_000_000)}
CITIES = {
    "Jakarta": "HO-JKT",
    "Bandung": "HO-BDG",
    "Surabaya": "HO-SUB",
    "Semarang": "HO-SRG",
    "Medan": "HO-MES",
    "Bali": "HO-DPS",
}
FLAGS = {
    "promo": True,
    "auto_dispatch": True,
    "whatsapp": True,
    "shuttle_booking": True,
}
PROVIDERS = {
    "email": ("sendgrid", "ses"),
    "sms": ("twilio", "infobip"),
    "whatsapp": ("whatsapp",),
    "push": ("fcm", "apns"),
    "staff": ("slack",),
}
DELIVERED_AFTER = 10.0  # seconds of the simulated world


class SessionManager(Neighbour):
    name = "session_manager"

    def make_routes(self) -> list[Route]:
        return [route("POST", "/v1/price", "price", run=self._price)]

    def _price(self, request: Request, found: Found) -> Response:
        """The same details cost the same in every run with the seed."""
        wanted = request.json()
        service, details = wanted.get("service"), wanted.get("details")
        if service not in TARIFFS or not isinstance(details, dict):
            return answer({"code": "unknown_service", "message": str(service)}, 422)
        text = json.dumps(details, sort_keys=True)
        drawn = chance(self.world.seed, service, text)
        given = details.get("distance_km")
        distance = float(given) if isinstance(given, int | float) and given >= 0 else 2 + 28 * drawn
        start, per_km = TARIFFS[service]
        pieces = details.get("quantity", 1) if service == "goods" else 1
        amount = round((start + per_km * min(distance, 2_000)) * pieces / STEP) * STEP
        quote_id = f"Q-{int(drawn * 10**12):012d}"
        return answer({"amount": amount, "currency": "IDR", "quote_id": quote_id})


class Promo(Neighbour):
    name = "promo"

    def make_routes(self) -> list[Route]:
        return [route("POST", "/v1/promos/validate", "validate", run=self._validate)]

    def _validate(self, request: Request, found: Found) -> Response:
        wanted = request.json()
        promo, amount = (
            PROMOS.get(str(wanted.get("code")).upper()),
            wanted.get("amount"),
        )
        if promo is None or not isinstance(amount, int):
            return answer({"valid": False, "discount": 0, "reason": "unknown_code"})
        percent, most = promo
        return answer(
            {
                "valid": True,
                "discount": min(amount * percent // 100, most),
                "reason": "",
            }
        )


class Config(Neighbour):
    name = "config"

    def make_routes(self) -> list[Route]:
        return [
            route("GET", "/v1/cities", "cities", run=self._cities),
            route("GET", "/v1/flags", "flags", run=self._flags),
        ]

    def _cities(self, request: Request, found: Found) -> Response:
        cities = [{"name": name, "ho_branch": branch, "services": SERVICES} for name, branch in CITIES.items()]
        return answer({"cities": cities})

    def _flags(self, request: Request, found: Found) -> Response:
        return answer({"flags": FLAGS})


class Notification(Neighbour):
    """Providers are switched off one by one (`providers_off`). Plans and faults can also be narrowed to one by its
    name, as it is among the references, and the books say which provider each message went through.
    """

    name = "notification"

    def make_routes(self) -> list[Route]:
        return [
            route("POST", "/v1/messages", "send", run=self._send, refs=_addressed),
            route("GET", "/v1/messages/by-key/<key>", "ask_message", run=self._ask),
        ]

    @property
    def messages(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "messages")

    def _send(self, request: Request, found: Found) -> Response:
        wanted, key = request.json(), request.headers.get("idempotency-key", "")
        provider = wanted.get("provider")
        if not key or not wanted.get("to") or provider not in PROVIDERS.get(str(wanted.get("channel")), ()):
            return answer({"code": "invalid_message", "message": "channel, provider, to, key"}, 422)
        row = self.messages.get(key)
        if row is None and provider in self.world.faults(self.name).providers_off:
            return answer({"code": "provider_unavailable", "message": f"{provider} cannot be reached"}, 424)
        return answer(self._report(row or self._deliver(wanted, key=key)))

    def _deliver(self, wanted: dict[str, Any], *, key: str) -> Row:
        names = ("channel", "to", "template", "text", "provider")
        row: Row = {name: wanted.get(name) for name in names} | {"subject": wanted.get("subject", "")}
        row["attachments"] = [_weighed(each) for each in wanted.get("attachments", ())]
        bounces = chance(self.world.seed, self.name, key) < self.world.faults(self.name).bounces
        row |= {
            "key": key,
            "message_id": f"MSG-{len(self.messages) + 1:08d}",
            "at": now().isoformat(),
            "bounces": bounces,
        }
        self.world.books.put(self.name, "messages", key, row)
        self.world.books.note(self.name, "sent", key=key, channel=row["channel"], provider=row["provider"])
        return row

    def _ask(self, request: Request, found: Found) -> Response:
        row = self.messages.get(found["key"])
        if row is None:
            return answer({"code": "not_found", "message": "no such message"}, 404)
        return answer(self._report(row))

    def _report(self, row: Row) -> dict[str, Any]:
        """A message arrives some seconds after it was taken, or comes back."""
        age = (now() - datetime.fromisoformat(row["at"])).total_seconds() * self.world.speed
        ended = "bounced" if row.get("bounces") else "delivered"
        status = ended if age >= DELIVERED_AFTER else "accepted"
        return {"message_id": row["message_id"], "provider": row["provider"], "status": status}


def _weighed(attachment: dict[str, str]) -> Row:
    """What the books keep of a file: its name, and its size and digest as it arrived."""
    content = base64.b64decode(attachment["content"])
    digest = hashlib.sha256(content).hexdigest()
    return {"name": attachment["name"], "type": attachment["type"], "bytes": len(content), "sha256": digest}


def _addressed(request: Request, found: Found) -> list[str]:
    wanted = request.json()
    return references(wanted.get("to"), wanted.get("provider"), wanted.get("template"))
