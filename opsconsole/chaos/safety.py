"""Did anything wrong happen? Pure: evidence in, findings out."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property

from opsconsole.chaos.evidence import GATEWAYS, Evidence, Row, digest
from opsconsole.chaos.findings import Finding

SIGNS = {"charged": 1, "reversed": -1, "refunded": -1}
GONE = ("cancelled", "cancelled_by_driver")


class Safety:
    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def findings(self) -> Iterator[Finding]:
        yield from self._orders()
        yield from self._callbacks()
        yield from self._money()
        yield from self._refunds()
        yield from self._bookings()
        yield from self._head_office()
        yield from self._histories()

    @cached_property
    def orders(self) -> dict[int, Row]:
        return {row["id"]: row for row in self.evidence.tables["orders"]}

    @cached_property
    def by_public_id(self) -> dict[str, Row]:
        return {row["public_id"]: row for row in self.evidence.tables["orders"]}

    @cached_property
    def moved(self) -> dict[str, Counter[str]]:
        """At the gateways, by attempt reference: what was charged, refunded, reversed."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for gateway in GATEWAYS:
            for effect in self.evidence.effects.get(gateway, ()):
                found[effect["merchant_ref"]][effect["effect"]] += effect["amount"]
        return found

    @cached_property
    def moved_by_order(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.evidence.tables["attempts"]:
            found[self.orders[row["order_id"]]["public_id"]] += self.moved.get(row["reference"], Counter())
        return found

    def _orders(self) -> Iterator[Finding]:
        of_customer = Counter(row["customer_id"] for row in self.orders.values())
        for each in self.evidence.acknowledged:
            row = self.by_public_id.get(each.order_id)
            if row is None:
                yield Finding("order lost", each.order_id, f"Rp {each.amount} of {each.customer}")
            elif row["amount"] != each.amount:
                yield Finding("wrong amount", each.order_id, f"agreed on {each.amount}, kept as {row['amount']}")
            if of_customer[each.customer] > 1:
                yield Finding("order doubled", each.order_id, f"{each.customer} has {of_customer[each.customer]}")

    def _callbacks(self) -> Iterator[Finding]:
        """Whatever was answered with 2xx is there, byte for byte; a forged one as well."""
        kept = {(row["source"], row["digest"]) for row in self.evidence.tables["inbound"]}
        for row in self.evidence.callbacks:
            if _was_accepted(row) and (row["neighbour"], digest(row)) not in kept:
                forged = "a forged message" if row["forged"] else "a message"
                yield Finding("callback lost", (row["refs"] or ["?"])[0], f"{forged} of {row['neighbour']}")

    def _money(self) -> Iterator[Finding]:
        attempts = {row["reference"]: row for row in self.evidence.tables["attempts"]}
        ours: Counter[int] = Counter()
        for row in self.evidence.tables["ledger"]:
            ours[row["attempt_id"]] += row["amount"]
        for reference, moved in self.moved.items():
            if reference not in attempts:
                yield Finding("charged but unexplained", reference, f"{dict(moved)} under no attempt of ours")
        for reference, attempt in attempts.items():
            theirs = sum(SIGNS[name] * amount for name, amount in self.moved.get(reference, {}).items())
            if theirs != ours[attempt["id"]]:
                told = f"{attempt['gateway']} holds {theirs}, we say {ours[attempt['id']]} ({attempt['state']})"
                yield Finding("charged but unexplained", reference, told)

    def _refunds(self) -> Iterator[Finding]:
        asked: Counter[str] = Counter()
        references = {row["id"]: row["reference"] for row in self.evidence.tables["attempts"]}
        causes: Counter[tuple[str, str]] = Counter()
        for row in self.evidence.tables["refunds"]:
            reference = references[row["attempt_id"]]
            asked[reference] += row["amount"] if row["state"] not in ("requested", "rejected") else 0
            causes[reference, row["cause"]] += row["state"] == "succeeded"
        for reference, moved in self.moved.items():
            if moved["refunded"] > min(moved["charged"], asked[reference]):
                told = f"charged {moved['charged']}, asked to refund {asked[reference]}, refunded {moved['refunded']}"
                yield Finding("refunded twice", reference, told)
        for (reference, cause), times in causes.items():
            if times > 1:
                yield Finding("refunded twice", reference, f"{times} times for {cause}")

    def _bookings(self) -> Iterator[Finding]:
        live = [row for row in self.evidence.bookings if row["status"] not in GONE]
        for (order, partner, item), times in Counter(map(_place, live)).items():
            if times > 1:
                yield Finding("booked twice", order, f"item {item} at {partner}: {times} live bookings")
        for order in sorted({row["order_ref"] for row in live}):
            moved = self.moved_by_order.get(order, Counter())
            agreed = self.by_public_id.get(order, {"amount": 1})["amount"]
            if not moved["charged"] and agreed:
                yield Finding("booked unpaid", order, "nothing was charged")
            elif moved["refunded"] >= moved["charged"]:
                yield Finding("booked and refunded", order, f"{moved['refunded']} went back")

    def _head_office(self) -> Iterator[Finding]:
        entries = self.evidence.effects.get("ho", ())
        for reference, times in Counter(row["entry_ref"] for row in entries).items():
            if times > 1:
                yield Finding("wrong amount", reference, f"Head Office has {times} entries")
        posted: Counter[str] = Counter()
        for entry in entries:
            posted[entry["order_ref"]] += entry["amount"] * (1 if entry["kind"] == "payment" else -1)
        open_orders = {row["order_id"] for row in self.evidence.tables["postings"] if row["state"] != "recorded"}
        for order, amount in posted.items():
            row = self.by_public_id.get(order)
            held = sum(SIGNS[name] * each for name, each in self.moved_by_order.get(order, {}).items())
            if row is None or (row["id"] not in open_orders and amount != held):
                yield Finding("wrong amount", order, f"Head Office has {amount}, the gateways hold {held}")

    def _histories(self) -> Iterator[Finding]:
        for row in self.evidence.illegal:
            yield Finding("illegal edge", _name(row), f"{row['source']} -{row['verb']}-> {row['target']}")
        for row in self.evidence.not_theirs:
            yield Finding("illegal edge", _name(row), f"{row['source']} -{row['verb']}-> by its customer")
        for row in self.evidence.jumps:
            yield Finding("illegal edge", _name(row), f"was {row['before']}, left {row['source']} by {row['verb']}")
        for row in self.evidence.astray:
            yield Finding("illegal edge", _name(row), f"is {row['state']}, its history ends at {row['target']}")
        for row in self.evidence.gaps:
            told = f"{row['rows']} rows, the last is {row['last']}"
            yield Finding("history broken", f"order {row['order_id']}", told)


def _was_accepted(row: Row) -> bool:
    return any(status is not None and 200 <= status < 300 for status in row["answers"])


def _place(row: Row) -> tuple[str, str, str]:
    return row["order_ref"], row["partner"], row["item_ref"]


def _name(row: Row) -> str:
    return f"{row['machine']} {row['subject_id']}"
