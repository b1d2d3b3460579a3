"""Money that came late, twice, wrong or went back: the queues of whoever decides about it.

Every fact is computed from the ledger, the order and its refunds at this moment. Late money and
refunds have partial indexes of their own; for the rest the trigger of `orders/sql/money.sql` keeps a
short list of orders to look at.
"""

# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from orders.clients.codes import REFUNDABLE
from orders.queries.places import Place
from orders.queries.stuck.lists import fetch


class Case(StrEnum):
    LATE = "late"
    TWICE = "twice"
    OVER = "over"
    UNDER = "under"
    REVERSED = "reversed"
    BY_HAND = "by_hand"
    REFUND_FAILED = "refund_failed"
    REFUND_UNKNOWN = "refund_unknown"


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One case. `sum` is the money in question, minor units; `since` is when it came or went."""

    case: str
    row_id: int
    order_id: int
    public_id: str
    order_state: str
    service: str
    city: str
    method: str
    gateway: str
    sum: int
    currency: str
    since: datetime
    said: str

    @property
    def place(self) -> Place:
        return Place(self.since, self.row_id)


@dataclass(frozen=True, slots=True)
class Total:
    """How many cases of a kind, how much money by currency, and since when the oldest lies."""

    count: int
    money: Mapping[str, int]
    oldest: datetime | None


# Closed orders owe their money back whatever came; they are late, or their refund is under way.
_CLOSED: Final = "('cancelled', 'expired', 'failed', 'paid_after_close')"
_UNPAID: Final = "('created', 'awaiting_payment')"
_ORDER: Final = "o.id AS order_id, o.public_id, o.state AS order_state, o.service, o.city, o.method"
_BACK: Final = "('requested', 'approved', 'sent', 'unknown', 'failed')"

_LATE: Final = f"""
SELECT 'late' AS "case", o.id AS row_id, {_ORDER}, coalesce(a.gateway, '') AS gateway,
       h.held AS sum, o.currency, o.entered_at AS since, '' AS said
FROM orders_order o LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id
CROSS JOIN LATERAL (SELECT coalesce(sum(l.amount), 0)::bigint AS held
                    FROM orders_ledgerentry l WHERE l.order_id = o.id) h
WHERE o.state = 'paid_after_close' AND o.origin = 'platform'
"""

# Mirrors orders/queries/money.py for the orders of the watch list; a test holds the two together.
_ODD: Final = f"""
SELECT k."case", o.id AS row_id, {_ORDER}, coalesce(a.gateway, '') AS gateway, k.sum, o.currency,
       coalesce(k.since, o.entered_at) AS since, '' AS said
FROM orders_moneywatch w JOIN orders_order o ON o.id = w.order_id
LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.held), 0)::bigint AS held, coalesce(sum(e.came), 0)::bigint AS came,
           coalesce(sum(e.reversed), 0)::bigint AS reversed, max(e.charged_at) AS charged_at,
           max(e.reversed_at) AS reversed_at, count(*) FILTER (WHERE e.attempt_id IS NOT NULL AND e.held > 0) AS paid
    FROM (SELECT l.attempt_id, sum(l.amount) AS held, sum(l.amount) FILTER (WHERE l.kind <> 'refunded') AS came,
                 -sum(l.amount) FILTER (WHERE l.kind = 'reversed') AS reversed,
                 max(l.occurred_at) FILTER (WHERE l.kind = 'charged') AS charged_at,
                 max(l.occurred_at) FILTER (WHERE l.kind = 'reversed') AS reversed_at
          FROM orders_ledgerentry l WHERE l.order_id = o.id GROUP BY l.attempt_id) e) m
CROSS JOIN LATERAL (VALUES
    ('twice', m.paid > 1 AND o.state NOT IN {_CLOSED}, m.held - o.amount, m.charged_at),
    ('over', m.paid <= 1 AND m.held > o.amount AND o.state NOT IN {_CLOSED}, m.held - o.amount, m.charged_at),
    ('reversed', m.reversed > 0 AND m.came < o.amount AND o.state NOT IN {_CLOSED} AND o.state NOT IN {_UNPAID},
     o.amount - m.came, m.reversed_at),
    ('under', (m.reversed = 0 OR o.state IN {_UNPAID}) AND m.came < o.amount AND m.came > 0
     AND o.state NOT IN {_CLOSED},
     o.amount - m.came, m.charged_at)
) k("case", holds, sum, since)
WHERE k.holds AND k.sum > 0 AND (k."case" IN ('under', 'reversed') OR k.sum > (
    SELECT coalesce(sum(r.amount), 0) FROM orders_refund r WHERE r.order_id = o.id AND r.state IN {_BACK}))
"""

# What a gateway takes back by API; a refund of all else waits until a person has transferred it.
BY_API: Final = ", ".join(f"('{gateway}', '{each}')" for gateway, some in REFUNDABLE.items() for each in sorted(some))
_REFUND: Final = f"""
SELECT CASE WHEN r.state = 'failed' AND (a.gateway, a.method) NOT IN ({BY_API}) THEN 'by_hand'
            ELSE 'refund_' || r.state END AS "case", r.id AS row_id, {_ORDER}, a.gateway, r.amount AS sum, r.currency,
       r.created_at AS since, r.last_error AS said
FROM orders_refund r JOIN orders_order o ON o.id = r.order_id JOIN orders_attempt a ON a.id = r.attempt_id
WHERE r.state IN ('failed', 'unknown') AND o.origin = 'platform'
"""
# What a reader has on screen after somebody has decided.
_OVER: Final = f"""
SELECT '' AS "case", o.id AS row_id, {_ORDER}, coalesce(a.gateway, '') AS gateway, 0 AS sum, o.currency,
       o.entered_at AS since, '' AS said
FROM orders_order o LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id WHERE o.id = ANY(%(ids)s)
"""
_OVER_REFUND: Final = f"""
SELECT '' AS "case", r.id AS row_id, {_ORDER}, a.gateway, 0 AS sum, r.currency, r.created_at AS since, '' AS said
FROM orders_refund r JOIN orders_order o ON o.id = r.order_id JOIN orders_attempt a ON a.id = r.attempt_id
WHERE r.id = ANY(%(ids)s)
"""
_ARMS: Final[Mapping[Case, str]] = {
    Case.LATE: _LATE,
    **dict.fromkeys((Case.BY_HAND, Case.REFUND_FAILED, Case.REFUND_UNKNOWN), _REFUND),
    **dict.fromkeys((Case.TWICE, Case.OVER, Case.UNDER, Case.REVERSED), _ODD),
}


def money_page(case: Case, *, after: Place | None = None, limit: int = 50) -> tuple[list[MoneyRow], Place | None]:
    """A page of one queue, the money that lies longest first, and where the next begins. One query."""
    where = 'q."case" = %(case)s'
    params: dict[str, Any] = {"case": str(case)}
    if after is not None:
        where += " AND (q.since, q.row_id) > (%(since)s, %(row_id)s)"
        params |= {"since": after.at, "row_id": after.row_id}
    rows = fetch(f"SELECT q.* FROM ({_ARMS[case]}) q WHERE {where} ORDER BY since, row_id LIMIT {limit + 1:d}", params)
    found = [MoneyRow(**row) for row in rows]
    return found[:limit], found[limit - 1].place if len(found) > limit else None


def money_among(case: Case, ids: Sequence[int]) -> list[MoneyRow]:
    """Rows that this queue has no more, by their ids, as orders and refunds stand now: nothing is in question there."""
    return [MoneyRow(**row) for row in fetch(_OVER_REFUND if _ARMS[case] is _REFUND else _OVER, {"ids": list(ids)})]


def money_totals() -> Mapping[Case, Total]:
    """Every queue's count and money. One query."""
    union = f"{_LATE} UNION ALL {_ODD} UNION ALL {_REFUND}"
    statement = (
        'SELECT q."case", q.currency, count(*) AS count, sum(q.sum)::bigint AS sum, min(q.since) AS oldest'
        f" FROM ({union}) q GROUP BY 1, 2"
    )
    rows = fetch(statement, {})
    return {case: _total([row for row in rows if row["case"] == case]) for case in Case}


def _total(rows: Sequence[Mapping[str, Any]]) -> Total:
    return Total(
        count=sum(row["count"] for row in rows),
        money={row["currency"]: row["sum"] for row in rows},
        oldest=min((row["oldest"] for row in rows), default=None),
    )


# What may be dropped from the watch list: nothing is odd, nothing is on its way back, and the order is over.
SETTLED: Final = f"""
w.since < now() - %(age)s::interval
AND NOT EXISTS (SELECT FROM ({_ODD}) q WHERE q.order_id = w.order_id)
AND NOT EXISTS (SELECT FROM orders_refund r WHERE r.order_id = w.order_id AND r.state IN {_BACK})
AND EXISTS (SELECT FROM orders_order o WHERE o.id = w.order_id
            AND o.state IN ('completed', 'cancelled', 'expired', 'failed'))
"""
