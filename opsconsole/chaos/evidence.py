"""What is known from outside when a run is over: the neighbours' own books, and plain SQL over our tables.

No code of the application takes part, so that a mistake of the application cannot hide itself.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from opsconsole.paths import PROJECT

GATEWAYS = ("midtrans", "xendit", "nicepay")
PARTNERS = ("tpg", "rent", "delivery", "shuttle")
Row = dict[str, Any]

TABLES: Mapping[str, str] = {
    "orders": "SELECT id, public_id, state, amount, customer_id FROM orders_order WHERE origin = 'platform'",
    "attempts": "SELECT id, order_id, reference, gateway, state, amount FROM orders_attempt",
    "ledger": "SELECT order_id, attempt_id, kind, amount FROM orders_ledgerentry",
    "refunds": "SELECT id, order_id, attempt_id, key, cause, amount, state FROM orders_refund",
    "sagas": "SELECT id, order_id, kind, state FROM orders_saga",
    "steps": "SELECT id, order_id, key, partner, state FROM orders_step",
    "dispatches": "SELECT id, order_id, state FROM orders_dispatchentry",
    "postings": "SELECT id, order_id, kind, reference, amount, state FROM orders_posting",
    "inbound": "SELECT id, order_id, attempt_id, source, encode(sha256(raw), 'hex') AS digest, state"
    " FROM orders_inboundevent",
    "actions": "SELECT id, order_id, name, status FROM orders_operatoraction",
}
ILLEGAL = """
SELECT h.order_id, h.machine, h.subject_id, h.source, h.verb, h.target FROM orders_history h
WHERE h.source <> h.target AND NOT (h.machine = 'inbound' AND h.source = '')
  AND NOT EXISTS (SELECT FROM orders_edge e WHERE e.machine = h.machine AND e.source = h.source
                  AND e.target = h.target AND (e.verb = h.verb OR h.source = ''))
"""
# A customer's word counts until booking begins; afterwards the same edge is only staff's.
NOT_THEIRS = """
SELECT h.order_id, h.machine, h.subject_id, h.source, h.verb, h.target FROM orders_history h
WHERE h.machine = 'order' AND h.verb = 'cancel' AND h.actor LIKE 'channel:%'
  AND h.source NOT IN ('created', 'awaiting_payment', 'paid')
"""
# Where a subject was in another state than its own history says it had reached.
JUMPS = """
SELECT order_id, machine, subject_id, before, source, verb FROM (
    SELECT h.*, lag(target) OVER (PARTITION BY machine, subject_id ORDER BY id) AS before
    FROM orders_history h WHERE source <> target) told
WHERE before IS NOT NULL AND before <> source
"""
GAPS = """
SELECT order_id, count(*) AS rows, max(seq) AS last FROM orders_history GROUP BY order_id HAVING count(*) <> max(seq)
"""
# Where a row is not where its history ends: somebody wrote past the machine.
_STANDS = """
SELECT '{machine}' AS machine, r.id AS subject_id, r.state, h.target FROM {table} r
JOIN LATERAL (SELECT target FROM orders_history WHERE machine = '{machine}' AND subject_id = r.id
              AND source <> target ORDER BY id DESC LIMIT 1) h ON h.target <> r.state
"""
MACHINES = {
    "order": "orders_order",
    "attempt": "orders_attempt",
    "refund": "orders_refund",
    "saga": "orders_saga",
    "step": "orders_step",
    "dispatch": "orders_dispatchentry",
    "posting": "orders_posting",
}
OPENED = "SELECT count(*) AS opened FROM orders_breakerchange WHERE target = 'open'"
UNSENT = "SELECT count(*) AS unsent FROM orders_outbox WHERE published_at IS NULL"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The platform said yes to this order."""

    order_id: str
    amount: int
    customer: str


@dataclass
class Evidence:
    """`effects` and `rows` by neighbour are the sandbox's; `tables` are ours; `stuck` is what the console lists."""

    acknowledged: Sequence[Acknowledged] = ()
    effects: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    bookings: Sequence[Row] = ()
    callbacks: Sequence[Row] = ()
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    illegal: Sequence[Row] = ()
    not_theirs: Sequence[Row] = ()
    jumps: Sequence[Row] = ()
    gaps: Sequence[Row] = ()
    astray: Sequence[Row] = ()
    unsent: int = 0
    breakers_opened: int = 0
    stuck: frozenset[str] = frozenset()


def gather(acknowledged: Sequence[Acknowledged], *, read_books: Callable[[str], Any], database_url: str) -> Evidence:
    """Everything but `stuck`. `read_books` answers the books of a neighbour by its name."""
    books = {name: read_books(name) for name in (*GATEWAYS, *PARTNERS, "ho")}
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def rows(query: str) -> list[Row]:
            return connection.execute(query.encode()).fetchall()

        stands = " UNION ALL ".join(_STANDS.format(machine=machine, table=table) for machine, table in MACHINES.items())
        return Evidence(
            acknowledged=acknowledged,
            effects={name: each["effects"] for name, each in books.items()},
            bookings=[{**row, "partner": name} for name in PARTNERS for row in books[name].get("bookings", ())],
            callbacks=[row for each in books.values() for row in each.get("callbacks", ())],
            tables={name: rows(query) for name, query in TABLES.items()},
            illegal=rows(ILLEGAL),
            not_theirs=rows(NOT_THEIRS),
            jumps=rows(JUMPS),
            gaps=rows(GAPS),
            astray=rows(stands),
            unsent=rows(UNSENT)[0]["unsent"],
            breakers_opened=rows(OPENED)[0]["opened"],
        )


def unsent(database_url: str) -> int:
    """Events that have not left the outbox."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(UNSENT.encode()).fetchone()
    return int(found[0]) if found else 0


def digest(callback: Row) -> str:
    return hashlib.sha256(str(callback["body"]).encode()).hexdigest()


def stuck_orders(database_url: str) -> frozenset[str]:
    """What a person will be shown as hanging once every limit is over: the command's own words."""
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    done = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "stuck", "--as-of", later, "--json", "--held"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(json.loads(line)["order_id"] for line in done.stdout.splitlines())
