"""How the platform beats: rates, latencies, backlogs. For the overview and for `/metrics`.

Every query looks at a bounded window through an index, so it costs the same at ten million orders.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds at 50, 95 and 99 per cent, of `count` things; None when there were none."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Success:
    """What became of the orders placed in a window: `good` of `ended` came to a good end."""

    good: int
    ended: int

    @property
    def rate(self) -> float | None:
        return self.good / self.ended if self.ended else None


def orders_per_minute(*, at: datetime, minutes: int = 30) -> Sequence[int]:
    """Orders placed in each of the last whole minutes, oldest first. Imports do not count."""
    rows = _rows(
        """
        SELECT floor(extract(epoch FROM %(at)s - placed_at) / 60)::int, count(*)
        FROM orders_order
        WHERE placed_at > %(at)s - make_interval(mins => %(minutes)s) AND placed_at <= %(at)s
              AND origin = 'platform'
        GROUP BY 1
        """,
        at=at,
        minutes=minutes,
    )
    counts = dict(rows)
    return [int(counts.get(ago, 0)) for ago in range(minutes - 1, -1, -1)]


def success(*, at: datetime, window: timedelta = timedelta(hours=1)) -> Success:
    """Completed or on its way with a booking, among the orders of the window that got anywhere.

    An order that nobody paid, or that the customer cancelled unpaid, is neither good nor bad.
    """
    [(good, ended)] = _rows(
        """
        SELECT count(*) FILTER (WHERE state IN ('active', 'completed')),
               count(*) FILTER (WHERE state IN ('active', 'completed', 'failed', 'paid_after_close')
                                OR (state IN ('paid', 'booking', 'queued_for_dispatch')
                                    AND entered_at < %(at)s - interval '5 minutes'))
        FROM orders_order
        WHERE placed_at > %(at)s - %(window)s AND placed_at <= %(at)s AND origin = 'platform'
        """,
        at=at,
        window=window,
    )
    return Success(int(good), int(ended))


def link_seconds(*, at: datetime, window: timedelta = timedelta(minutes=10)) -> Percentiles:
    """From the wish for a link to the link, for links made in the window."""
    return _percentiles(
        """
        SELECT extract(epoch FROM h.recorded_at - a.created_at) AS seconds
        FROM orders_history h JOIN orders_attempt a ON a.id = h.subject_id
        WHERE h.recorded_at > %(at)s - %(window)s AND h.machine = 'attempt' AND h.verb = 'open'
        """,
        at=at,
        window=window,
    )


def saga_seconds(*, at: datetime, window: timedelta = timedelta(minutes=10)) -> Percentiles:
    """From payment to the end of the booking saga, for sagas that ended in the window."""
    return _percentiles(
        """
        SELECT extract(epoch FROM h.recorded_at - s.created_at) AS seconds
        FROM orders_history h JOIN orders_saga s ON s.id = h.subject_id
        WHERE h.recorded_at > %(at)s - %(window)s AND h.machine = 'saga'
              AND h.verb IN ('succeed', 'finish')
        """,
        at=at,
        window=window,
    )


def saga_ends(*, at: datetime, window: timedelta = timedelta(minutes=10)) -> Mapping[str, int]:
    """How sagas ended in the window, by state."""
    rows = _rows(
        """
        SELECT target, count(*) FROM orders_history
        WHERE recorded_at > %(at)s - %(window)s AND machine = 'saga' AND verb <> 'create'
        GROUP BY 1
        """,
        at=at,
        window=window,
    )
    return dict(rows)


def callbacks(*, at: datetime, window: timedelta = timedelta(minutes=10)) -> Mapping[tuple[str, str], int]:
    """Messages received in the window, by source and verdict."""
    rows = _rows(
        """
        SELECT source, state, count(*) FROM orders_inboundevent
        WHERE received_at > %(at)s - %(window)s GROUP BY 1, 2
        """,
        at=at,
        window=window,
    )
    return {(source, state): count for source, state, count in rows}


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows of one kind of work that are due: how many, and since when the oldest."""

    kind: str
    count: int
    oldest_since: datetime | None


_WORK = {
    "attempt": "orders_attempt",
    "inbound": "orders_inboundevent",
    "saga": "orders_saga",
    "dispatch": "orders_dispatchentry",
    "trip": "(SELECT due_at FROM orders_step WHERE state = 'done') t",
    "refund": "orders_refund",
    "posting": "orders_posting",
    "action": "orders_operatoraction",
    "notice": "orders_notice",
    "letter": "orders_deadletter",
}


def backlogs(*, at: datetime) -> Sequence[Backlog]:
    """What waits for a worker now, kind by kind, and the outbox."""
    arms = [
        f"SELECT '{kind}', count(*), min(due_at) FROM {table} WHERE due_at <= %(at)s"  # noqa: S608
        for kind, table in _WORK.items()
    ]
    arms.append("SELECT 'outbox', count(*), min(created_at) FROM orders_outbox WHERE published_at IS NULL")
    return [Backlog(*row) for row in _rows(" UNION ALL ".join(arms), at=at)]


def outbox_oldest() -> datetime | None:
    """Since when the oldest event waits to be published; None when none does. One entry of a partial index."""
    rows = _rows("SELECT created_at FROM orders_outbox WHERE published_at IS NULL ORDER BY id LIMIT 1")
    return rows[0][0] if rows else None


def letters_by_state() -> Mapping[tuple[str, str], int]:
    """Events that a consumer could not use and that are still open, by consumer and state."""
    rows = _rows(
        "SELECT consumer, state, count(*) FROM orders_deadletter WHERE state IN ('dead', 'retrying') GROUP BY 1, 2"
    )
    return {(consumer, state): count for consumer, state, count in rows}


def heartbeats() -> Mapping[str, tuple[datetime, Mapping[str, Any]]]:
    """The last sign of life of each process and round, with what it last said."""
    rows = _rows("SELECT name, at, detail::text FROM orders_heartbeat")
    return {name: (at, json.loads(detail)) for name, at, detail in rows}


def last_recovery() -> datetime | None:
    """When an operator's action last freed an order."""
    [(at,)] = _rows("SELECT max(finished_at) FROM orders_operatoraction WHERE status = 'fixed'")
    return at if isinstance(at, datetime) else None


def _percentiles(sql: str, **values: Any) -> Percentiles:
    [(count, marks)] = _rows(
        f"""
        SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds)
        FROM ({sql}) AS one
        """,  # noqa: S608
        **values,
    )
    p50, p95, p99 = (float(mark) for mark in marks) if marks else (None, None, None)
    return Percentiles(int(count), p50, p95, p99)


def _rows(sql: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
