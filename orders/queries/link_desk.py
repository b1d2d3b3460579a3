"""Orders that could be paid and have no link to pay with, or wait for the customer with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from orders.queries.browse import Place
from orders.states import OrderState

# The machine's own time: a first link takes two seconds, a round over three gateways about ten.
GRACE: Final = timedelta(minutes=1)
MISSING, UNANSWERED, EXPIRED, OPEN, UNFIT = KINDS = ("missing", "unanswered", "expired", "open", "unfit")
PAYABLE: Final = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means any; `kind` is one of KINDS."""

    kind: str = MISSING
    methods: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One order with its last attempt: the one that decides whether it can be paid."""

    order_id: int
    public_id: str
    state: str
    service: str
    city: str
    method: str
    amount: int
    currency: str
    placed_at: datetime
    closes_at: datetime | None
    kind: str
    gateway: str
    attempt: str
    answer: str
    next_try: datetime | None
    link_until: datetime | None

    @property
    def place(self) -> Place:
        return Place(self.placed_at, self.order_id)


@dataclass(frozen=True)
class Counts:
    """How many orders of each kind there are, and what the filters may offer for the chosen kind."""

    by_kind: Mapping[str, int]
    money: Mapping[str, int]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


# The last attempt decides: a further one is made only when those before can no longer be paid.
_OF: Final = """
FROM orders_order o
LEFT JOIN LATERAL (
    SELECT a.* FROM orders_attempt a WHERE a.order_id = o.id ORDER BY a.number DESC LIMIT 1
) a ON true
CROSS JOIN LATERAL (SELECT CASE
    WHEN a.id IS NULL OR a.state = 'requested' THEN 'missing'
    WHEN a.state = 'unknown' THEN 'unanswered'
    WHEN a.state = 'mismatch' THEN 'unfit'
    WHEN a.state = 'open' AND (a.expires_at IS NULL OR a.expires_at > %(now)s) THEN 'open'
    WHEN o.state = 'created' THEN 'missing'
    ELSE 'expired' END AS kind) k
WHERE o.state IN ('created', 'awaiting_payment') AND o.origin = 'platform' AND o.placed_at <= %(before)s
"""
_COLUMNS: Final = """
SELECT o.id AS order_id, o.public_id, o.state, o.service, o.city, o.method, o.amount, o.currency, o.placed_at,
       o.expires_at AS closes_at, k.kind, coalesce(a.gateway, '') AS gateway, coalesce(a.state, '') AS attempt,
       coalesce(nullif(a.last_error, ''), a.answer, '') AS answer,
       CASE WHEN a.state IN ('requested', 'unknown') THEN a.due_at END AS next_try,
       CASE WHEN a.state = 'open' THEN a.expires_at END AS link_until
"""
_LISTS: Final = {
    "methods": "o.method",
    "gateways": "coalesce(a.gateway, '')",
    "cities": "o.city",
    "services": "o.service",
}


def link_page(
    wanted: Wanted, *, now: datetime, after: Place | None = None, limit: int = 50
) -> tuple[list[LinkRow], Place | None]:
    """A page, oldest first, and the place the next goes on from. One query."""
    where, params = _where(wanted, now)
    if after is not None:
        where += " AND (o.placed_at, o.id) > (%(after_at)s, %(after_id)s)"
        params |= {"after_at": after.placed_at, "after_id": after.order_id}
    rows = _fetch(f"{_COLUMNS} {_OF} {where} ORDER BY o.placed_at, o.id LIMIT {limit + 1:d}", params)
    found = [LinkRow(**row) for row in rows]
    return found[:limit], found[limit - 1].place if len(found) > limit else None


def link_counts(wanted: Wanted, *, now: datetime) -> Counts:
    """One query over the orders that are not paid yet."""
    params = {"now": now, "before": now - GRACE}
    columns = ", ".join(f"{column} AS {name}" for name, column in _LISTS.items())
    rows = _fetch(
        f"SELECT k.kind, o.currency, {columns}, count(*) AS count, sum(o.amount)::bigint AS amount {_OF}"
        " GROUP BY 1, 2, 3, 4, 5, 6",
        params,
    )
    return Counts(
        by_kind=_summed(rows, "kind", lambda row: _fits(row, wanted, without="")),
        money=_sums([row for row in rows if row["kind"] == wanted.kind and _fits(row, wanted, without="")]),
        facets={
            name: _summed(
                rows, name, lambda row, name=name: row["kind"] == wanted.kind and _fits(row, wanted, without=name)
            )
            for name in _LISTS
        },
    )


def _where(wanted: Wanted, now: datetime) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {"now": now, "before": now - GRACE, "kind": wanted.kind}
    where = " AND k.kind = %(kind)s"
    for name, column in _LISTS.items():
        if getattr(wanted, name):
            where += f" AND {column} = ANY(%({name})s)"
            params[name] = list(getattr(wanted, name))
    return where, params


def _fits(row: Mapping[str, Any], wanted: Wanted, *, without: str) -> bool:
    chosen = ((name, getattr(wanted, name)) for name in _LISTS if name != without)
    return all(not values or row[name] in values for name, values in chosen)


def _summed(rows: Sequence[Mapping[str, Any]], name: str, only: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        if only(row):
            counts[row[name]] = counts.get(row[name], 0) + row["count"]
    return counts


def _sums(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["amount"]
    return sums


def _fetch(statement: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
