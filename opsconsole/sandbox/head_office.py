"""Head Office behind the HO gateway: one book of entries, read in pages.

`entry_ref` is the key: posting it again answers the entry that is there. An entry is never changed or taken out: it is
reversed by a second one, once. A plan can make the book
wrong on purpose: `double` writes the entry twice, `amount` writes another amount.
"""

from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.world import references

FIELDS = ("order_ref", "amount", "currency", "kind", "occurred_at")
PAGE_LIMIT = 1000


class HeadOffice(Neighbour):
    name = "ho"

    def make_routes(self) -> list[Route]:
        self.by_ref: dict[str, Row] = {}
        for row in self.entries.values():
            self.by_ref.setdefault(row["entry_ref"], row)
        return [
            route("POST", "/v1/entries", "post", run=self._post, refs=_named),
            route("GET", "/v1/entries", "list", run=self._list),
            route("GET", "/v1/entries/<ref>", "ask_entry", run=self._ask, refs=self._known),
            route("POST", "/v1/entries/<entry>/reversals", "reverse", run=self._reverse, refs=self._reversed),
        ]

    @property
    def entries(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "entries")

    def _known(self, request: Request, found: Found) -> list[str]:
        row = self.by_ref.get(found["ref"])
        return references(row["order_ref"] if row else "", found["ref"])

    def _post(self, request: Request, found: Found) -> Response:
        wanted = request.json()
        missing = [name for name in ("entry_ref", *FIELDS) if not wanted.get(name)]
        if missing or not isinstance(wanted["amount"], int) or wanted["amount"] < 1:
            return _refusal("invalid_entry", 422)
        known = self.by_ref.get(wanted["entry_ref"])
        if known is None:
            return answer(_described(self._record(wanted)), 201)
        if any(known["asked"][name] != wanted[name] for name in FIELDS):
            return _refusal("entry_differs", 409)
        return answer(_described(known))

    def _record(self, wanted: dict[str, Any]) -> Row:
        refs = references(wanted["order_ref"], wanted["entry_ref"])
        planned = self.world.plans.take(refs, neighbour=self.name, on="post", do=("double", "amount"))
        amount = wanted["amount"]
        if planned is not None and planned.do == "amount" and planned.amount:
            amount = planned.amount
        row = self._write(wanted, amount=amount)
        if planned is not None and planned.do == "double":
            self._write(wanted, amount=amount)
        return row

    def _write(self, wanted: dict[str, Any], *, amount: int) -> Row:
        asked = {name: wanted[name] for name in FIELDS}
        entry_id = f"HO-{len(self.entries) + 1:09d}"
        row = {
            **asked,
            "entry_id": entry_id,
            "entry_ref": wanted["entry_ref"],
            "amount": amount,
            "branch": wanted.get("branch", ""),
            "asked": asked,
            "recorded_at": now().isoformat(),
        }
        self.world.books.put(self.name, "entries", entry_id, row)
        self.by_ref.setdefault(row["entry_ref"], row)
        self.world.books.note(
            self.name,
            "recorded",
            entry_id=entry_id,
            entry_ref=row["entry_ref"],
            order_ref=row["order_ref"],
            amount=amount,
            currency=row["currency"],
            kind=row["kind"],
        )
        return row

    def _reversed(self, request: Request, found: Found) -> list[str]:
        row = self.entries.get(found["entry"], {})
        return references(row.get("order_ref"), found["entry"])

    def _reverse(self, request: Request, found: Found) -> Response:
        """Reversing an entry again answers the reversal that is there, whatever the idempotency key."""
        row = self.entries.get(found["entry"])
        if row is None:
            return _refusal("not_found", 404)
        if row["kind"] == "reversal":
            return _refusal("is_a_reversal", 409)
        known = self.by_ref.get(f"rv-{row['entry_id']}")
        if known is not None:
            return answer(_described(known))
        wanted = {**row, "entry_ref": f"rv-{row['entry_id']}", "kind": "reversal", "occurred_at": now().isoformat()}
        return answer(_described(self._write(wanted, amount=row["amount"])), 201)

    def _ask(self, request: Request, found: Found) -> Response:
        row = self.by_ref.get(found["ref"])
        return _refusal("not_found", 404) if row is None else answer(_described(row))

    def _list(self, request: Request, found: Found) -> Response:
        """Entries after the cursor, in the order of recording; the cursor is the last entry id."""
        after = request.query.get("cursor", "")
        digits = request.query.get("limit", "500")
        limit = min(int(digits) if digits.isdigit() else 500, PAGE_LIMIT)
        position = int(after.rpartition("-")[2]) if after.rpartition("-")[2].isdigit() else 0
        rows = list(self.entries.values())
        shown = rows[position : position + limit]
        more = position + limit < len(rows)
        cursor = shown[-1]["entry_id"] if shown and more else None
        return answer({"entries": [_described(row) for row in shown], "cursor": cursor})


def _named(request: Request, found: Found) -> list[str]:
    wanted = request.json()
    return references(wanted.get("order_ref"), wanted.get("entry_ref"))


def _described(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "asked"}


def _refusal(code: str, status: int) -> Response:
    return answer({"code": code, "message": code.replace("_", " ")}, status)
