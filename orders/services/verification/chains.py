"""One chain, recomputed as `orders/sql/history.sql` computes it."""

import hmac
from collections.abc import Iterable
from typing import NamedTuple

from orders.services.verification.breaks import Break, Kind


class Row(NamedTuple):
    """A history row as text, exactly as it went into its MAC."""

    order_id: int
    seq: int
    machine: str
    subject_id: int
    verb: str
    source: str
    target: str
    actor: str
    reason: str
    detail: str
    occurred_micros: int
    recorded_micros: int
    mac: bytes | None
    id: int


class Head(NamedTuple):
    order_id: int
    seq: int
    mac: bytes | None


class State(NamedTuple):
    """A row of a state machine as it is now."""

    order_id: int
    machine: str
    subject_id: int
    state: str


# By machine and row: which history row last changed its state, and to what.
Known = dict[tuple[str, int], tuple[int, str]]


def mac_of(row: Row, previous: bytes | None, *, key: bytes) -> bytes:
    """The MAC of a row whose predecessor has the MAC `previous`."""
    parts = (*(str(value) for value in row[:12]), previous.hex() if previous else "")
    encoded = [part.encode() for part in parts]
    return hmac.digest(key, b",".join(b"%d:%b" % (len(part), part) for part in encoded), "sha256")


def check_rows(rows: Iterable[Row], *, key: bytes) -> tuple[Break | None, Row | None, Known]:
    """The first break inside a chain, its last row, and the states it tells of. Rows by seq."""
    found: Break | None = None
    last: Row | None = None
    known: Known = {}
    wrong = total = 0
    for row in rows:
        problem = _check_row(row, last, key=key)
        found = found or problem
        total += 1
        wrong += problem is not None and problem.kind == Kind.EDITED
        if row.source != row.target:
            known[row.machine, row.subject_id] = (row.id, row.target)
        last = row
    if found and found.kind == Kind.EDITED and wrong == total > 1:
        found = Break(Kind.OTHER_KEY, found.order_id, found.seq)
    return found, last, known


def _check_row(row: Row, last: Row | None, *, key: bytes) -> Break | None:
    expected = last.seq + 1 if last else 1
    if row.seq != expected:
        return Break(Kind.MISSING, row.order_id, expected)
    if row.mac is None:
        return Break(Kind.UNSIGNED, row.order_id, row.seq, facts={"actor": row.actor})
    if not hmac.compare_digest(mac_of(row, last.mac if last else None, key=key), bytes(row.mac)):
        return Break(Kind.EDITED, row.order_id, row.seq)
    return None


def check_head(order_id: int, head: Head | None, last: Row | None) -> Break | None:
    """Whether the chain ends where its head says."""
    if last is None:
        return Break(Kind.CHAIN_MISSING, order_id, 1, facts={"rows": head.seq}) if head else None
    if head is None or head.seq < last.seq:
        return Break(Kind.HEAD_CHANGED, order_id, last.seq)
    if head.seq > last.seq:
        return Break(Kind.TAIL_MISSING, order_id, last.seq + 1)
    return None if head.mac == last.mac else Break(Kind.HEAD_CHANGED, order_id, last.seq)
