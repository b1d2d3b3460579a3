"""Messages of gateways and partners: stored first, judged by a worker, applied once.

A gateway's callback is a hint: its signature covers neither status nor time, so the worker asks
the gateway and only that answer moves money. A trip event is signed over its whole body and is a
fact.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection

from orders.bells import ring
from orders.clients.gateway import Claim, Unparseable
from orders.clients.trip_events import TripEvent
from orders.states import InboundState

AT_ONCE = 1.0  # seconds within which a connection that was broken before is noticed
KEPT_HEADERS = ("content-type", "user-agent", "x-forwarded-for", "webhook-id")

# One round trip: the hot path of a callback (notes on performance). The same bytes again raise
# the count and re-arm the inquiry; nothing a stranger sends can replace what is stored.
STORE = """
INSERT INTO orders_inboundevent AS e
    (source, digest, raw, headers, reference, claim, occurred_at, received_at, last_received_at,
     deliveries, verdict, state, entered_at, version, created_at, due_at, token, tries, last_error,
     order_id, attempt_id)
SELECT %(source)s::text, %(digest)s::bytea, %(raw)s::bytea, %(headers)s::jsonb, %(reference)s::text,
       %(claim)s::text, %(occurred_at)s::timestamptz, now(), now(), 1, %(verdict)s::text, %(state)s::text,
       now(), 1, now(), CASE WHEN %(state)s::text = 'stored' THEN now() END, 0, 0, '',
       coalesce(a.order_id, o.id), a.id
FROM (SELECT 1) AS one
LEFT JOIN orders_attempt a ON a.reference = %(attempt)s::text
LEFT JOIN orders_order o ON o.public_id = %(order)s::text
ON CONFLICT (source, digest) DO UPDATE
    SET deliveries = e.deliveries + 1, last_received_at = now(),
        due_at = CASE WHEN e.state = 'quarantined' THEN e.due_at ELSE now() END
RETURNING e.id
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A verified or unreadable message on its way into the table."""

    source: str
    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    state: str = InboundState.STORED
    verdict: str = ""
    reference: str = ""
    claim: str = ""
    occurred_at: datetime | None = None
    attempt: str = ""
    order: str = ""


def hint(claim: Claim, *, raw: bytes, headers: Mapping[str, str]) -> Message:
    """A gateway's callback."""
    return Message(
        source=claim.gateway,
        raw=raw,
        headers=headers,
        reference=claim.merchant_ref[:80],
        claim=claim.code[:60],
        occurred_at=claim.occurred_at,
        attempt=claim.merchant_ref,
    )


def fact(event: TripEvent, *, raw: bytes, headers: Mapping[str, str]) -> Message:
    """A partner's trip event."""
    return Message(
        source=event.partner,
        raw=raw,
        headers=headers,
        reference=event.booking_id[:80],
        claim=event.event,
        occurred_at=event.at,
        order=event.order_ref,
    )


def unreadable(source: str, problem: Unparseable, *, raw: bytes, headers: Mapping[str, str]) -> Message:
    """Something that cannot be understood: kept in quarantine for a person."""
    return Message(
        source=source,
        raw=raw,
        headers=headers,
        state=InboundState.QUARANTINED,
        verdict=problem.reason[:300],
    )


def store(message: Message) -> int:
    """Write the message down, durably, in one statement. Its row's id.

    Raises DatabaseError when it cannot be stored: the caller must not acknowledge it then. A
    connection that broke since it was last used costs one more try, not a question before every
    message: the statement may run twice. A server that hung is not tried again: the gateway waits.
    """
    values, began = _values(message), time.monotonic()
    setattr(connection, "health_check_done", True)  # noqa: B010 - a name the type stubs do not know
    try:
        row_id = _insert(values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or time.monotonic() - began > AT_ONCE:
            raise
        connection.close()
        row_id = _insert(values)
    if message.state == InboundState.STORED:
        ring("inbound")
    return row_id


def _insert(values: Mapping[str, Any]) -> int:
    """By the driver's own cursor: its server keeps the plan, where the settings let it."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        (row_id,) = cursor.execute(STORE, values).fetchall()[0]
    return int(row_id)


def _values(message: Message) -> dict[str, Any]:
    kept = {k.lower(): v for k, v in message.headers.items() if k.lower() in KEPT_HEADERS}
    return {
        "source": message.source,
        "digest": hashlib.sha256(message.raw).digest(),
        "raw": message.raw,
        "headers": json.dumps(kept),
        "reference": _clean(message.reference),
        "claim": _clean(message.claim),
        "occurred_at": message.occurred_at,
        "verdict": _clean(message.verdict),
        "state": str(message.state),
        "attempt": _clean(message.attempt),
        "order": _clean(message.order),
    }


def _clean(text: str) -> str:
    """PostgreSQL's text knows no NUL; the raw bytes keep it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
