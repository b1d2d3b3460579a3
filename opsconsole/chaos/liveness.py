"""Did everything come to an end once the faults stopped? Pure: evidence in, findings out.

What only a machine moves on must be gone. What is left of the rest is a customer's turn, a trip that
still goes on, or a person's, and then a person is shown it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from opsconsole.chaos.evidence import Evidence, Row
from opsconsole.chaos.findings import Finding
from opsconsole.chaos.safety import Safety

MACHINES_TURN: Mapping[str, frozenset[str]] = {
    "attempts": frozenset({"requested", "unknown"}),
    "refunds": frozenset({"approved", "sent", "unknown"}),
    "sagas": frozenset({"running", "compensating"}),
    "postings": frozenset({"due", "sent", "unknown"}),
    "dispatches": frozenset({"sending"}),
    "inbound": frozenset({"stored"}),
    "actions": frozenset({"queued", "running"}),
}
ENDED = frozenset({"completed", "cancelled", "expired", "failed"})
CUSTOMERS_TURN = "awaiting_payment"
PERSONS_TURN: Mapping[str, frozenset[str]] = {
    "attempts": frozenset({"mismatch"}),
    "refunds": frozenset({"requested", "failed"}),
    "sagas": frozenset({"needs_hand"}),
    "postings": frozenset({"rejected"}),
    "dispatches": frozenset({"waiting", "claimed"}),
}


class Liveness:
    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.tasks: Counter[str] = Counter()
        self._moved = Safety(evidence).moved_by_order

    def findings(self) -> Iterator[Finding]:
        """`tasks` afterwards has what was left to people, by kind."""
        for table, states in MACHINES_TURN.items():
            for row in self.evidence.tables[table]:
                if row.get("state", row.get("status")) in states and not self._waits_for_stranger(table, row):
                    told = f"{table} {row['id']} is {row.get('state', row.get('status'))}"
                    yield Finding("machine's work left", f"order {row['order_id']}", told)
        yield from self._orders()
        if self.evidence.unsent:
            yield Finding("not told", "outbox", f"{self.evidence.unsent} events are unsent")

    def _waits_for_stranger(self, table: str, row: Row) -> bool:
        """A message about something that is not ours waits ten minutes before it is set aside."""
        return table == "inbound" and row["order_id"] is None

    def _orders(self) -> Iterator[Finding]:
        theirs = self._left_to_people()
        for row in self.evidence.tables["orders"]:
            left = theirs.get(row["id"], [])
            if not left and row["state"] not in ENDED and not self._goes_on(row):
                left = [f"order {row['state']}"]
            if not left and row["state"] in ENDED - {"completed"} and self._holds(row) > 0:
                yield Finding("nobody's task", row["public_id"], f"{row['state']} with {self._holds(row)}")
            self.tasks.update(left)
            if left and row["public_id"] not in self.evidence.stuck:
                yield Finding("nobody's task", row["public_id"], f"{row['state']}: {', '.join(left)}")

    def _left_to_people(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for table, states in PERSONS_TURN.items():
            for row in self.evidence.tables[table]:
                if row["state"] in states:
                    found.setdefault(row["order_id"], []).append(f"{table.removesuffix('s')} {row['state']}")
        return found

    def _goes_on(self, row: Row) -> bool:
        """The customer has not paid, or the trip is under way."""
        if row["state"] == CUSTOMERS_TURN:
            return self._holds(row) == 0
        on_the_road = {"booked", "assigned", "picked_up"}
        trips = [each for each in self.evidence.bookings if each["order_ref"] == row["public_id"]]
        return row["state"] == "active" and any(each["status"] in on_the_road for each in trips)

    def _holds(self, row: Row) -> int:
        moved = self._moved.get(row["public_id"], Counter())
        return moved["charged"] - moved["refunded"] - moved["reversed"]
