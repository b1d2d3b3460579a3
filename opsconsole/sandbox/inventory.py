"""The inventory of goods: reservations by key, all lines or none, and a stock that they take from.

Every article begins with STOCK pieces. The `Idempotency-Key` is honoured: the same key never reserves twice.
"""

from typing import Any, Final

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.world import references

STOCK: Final = 1_000


class Inventory(Neighbour):
    name = "inventory"

    def make_routes(self) -> list[Route]:
        by_key = "/v1/reservations/<key>"
        return [
            route("POST", "/v1/reservations", "reserve", run=self._reserve, refs=_named),
            route("GET", by_key, "ask_reservation", run=self._ask, refs=self._known),
            route("POST", f"{by_key}/release", "release", run=self._release, refs=self._known),
        ]

    @property
    def reservations(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "reservations")

    def left_of(self, sku: str) -> int:
        held = (row for row in self.reservations.values() if row["status"] == "reserved")
        return STOCK - sum(int(row["lines"].get(sku, 0)) for row in held)

    def _reserve(self, request: Request, _found: Found) -> Response:
        key, wanted = request.headers["idempotency-key"], request.json()
        row = self.reservations.get(key)
        if row is None:
            lines = _counted(wanted["lines"])
            if any(self.left_of(sku) < quantity for sku, quantity in lines.items()):
                return _refusal("out_of_stock", 409)
            row = self._new(key, str(wanted["order_ref"]), lines)
        return answer(_described(row), 201)

    def _new(self, key: str, order_ref: str, lines: dict[str, int]) -> Row:
        row = {
            "key": key,
            "reservation_id": f"RES-{len(self.reservations) + 1:07}",
            "order_ref": order_ref,
            "lines": lines,
            "status": "reserved",
            "updated_at": now().isoformat(),
            "refs": [order_ref, key],
        }
        return self._save(row, effect="reserved")

    def _ask(self, _request: Request, found: Found) -> Response:
        row = self.reservations.get(found["key"])
        return answer(_described(row)) if row else _refusal("not_found", 404)

    def _release(self, _request: Request, found: Found) -> Response:
        row = self.reservations.get(found["key"])
        if row is None:
            return _refusal("not_found", 404)
        if row["status"] == "reserved":
            row = self._save({**row, "status": "released", "updated_at": now().isoformat()}, effect="released")
        return answer(_described(row))

    def _save(self, row: Row, *, effect: str) -> Row:
        self.world.books.put(self.name, "reservations", row["key"], row)
        self.world.books.note(self.name, effect, order_ref=row["order_ref"], key=row["key"])
        return row

    def _known(self, _request: Request, found: Found) -> list[str]:
        row = self.reservations.get(found["key"])
        return references(*row["refs"]) if row else [found["key"]]


def _named(request: Request, _found: Found) -> list[str]:
    return references(request.json().get("order_ref"))


def _counted(lines: Any) -> dict[str, int]:
    """Raises ValueError for a line that takes nothing."""
    counted: dict[str, int] = {}
    for line in lines:
        if not isinstance(line["quantity"], int) or line["quantity"] < 1:
            raise ValueError("a quantity is a whole number from 1 on")
        counted[str(line["sku"])] = counted.get(str(line["sku"]), 0) + line["quantity"]
    return counted


def _described(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("reservation_id", "status", "order_ref", "updated_at")}


def _refusal(code: str, status: int) -> Response:
    return answer({"code": code, "message": code.replace("_", " ")}, status)
