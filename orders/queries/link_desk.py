"""Orders that could be paid and have no link to pay with, or wait for the customer with one."""

# ruff: noqa: S608 - what is put into the text are constants of this file

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from orders.queries.places import Place
from orders.queries.stuck.lists import fetch
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
    """One order with the attempt that decides whether it can be paid."""

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


# The attempt that can still be paid decides; where there is none, the last one says why. Two partial indexes hold
# what is read of nearly every order here, so that the counts do not visit a page of either table for each.
_ALL: Final = """
SELECT o.id, o.placed_at, o.currency, o.amount, o.method, o.city, o.service,
       coalesce(v.id, d.id) AS attempt_id, coalesce(v.gateway, d.gateway, '') AS gateway,
       CASE WHEN o.state NOT IN ('created', 'awaiting_payment') THEN ''
            WHEN v.state = 'requested' OR coalesce(v.id, d.id) IS NULL THEN 'missing'
            WHEN v.state = 'unknown' THEN 'unanswered'
            WHEN v.state = 'mismatch' THEN 'unfit'
            WHEN v.state = 'open' AND (v.expires_at IS NULL OR v.expires_at > %(now)s) THEN 'open'
            WHEN o.state = 'created' THEN 'missing'
            ELSE 'expired' END AS kind
FROM orders_order o
LEFT JOIN (
    SELECT DISTINCT ON (a.order_id) a.order_id, a.id, a.state, a.gateway, a.expires_at FROM orders_attempt a
    WHERE a.state IN ('requested', 'unknown', 'open', 'mismatch') ORDER BY a.order_id, a.number DESC
) v ON v.order_id = o.id
LEFT JOIN LATERAL (
    SELECT a.id, a.gateway FROM orders_attempt a WHERE a.order_id = o.id AND v.id IS NULL
    ORDER BY a.number DESC LIMIT 1
) d ON true
"""
_UNPAID: Final = f"""{_ALL}
WHERE o.state IN ('created', 'awaiting_payment') AND o.origin = 'platform' AND o.placed_at <= %(before)s
"""
# Everything else is read of the rows of one page.
_PAGE: Final = """
SELECT o.id AS order_id, o.public_id, o.state, o.service, o.city, o.method, o.amount, o.currency, o.placed_at,
       o.expires_at AS closes_at, q.kind, q.gateway, coalesce(a.state, '') AS attempt,
       coalesce(nullif(a.last_error, ''), a.answer, '') AS answer,
       CASE WHEN a.state IN ('requested', 'unknown') THEN a.due_at END AS next_try,
       CASE WHEN a.state = 'open' THEN a.expires_at END AS link_until
FROM (SELECT * FROM ({all}) q WHERE {where} ORDER BY q.placed_at, q.id LIMIT {limit:d}) q
JOIN orders_order o ON o.id = q.id LEFT JOIN orders_attempt a ON a.id = q.attempt_id
ORDER BY q.placed_at, q.id
"""
_LISTS: Final = {"methods": "method", "gateways": "gateway", "cities": "city", "services": "service"}


def link_page(
    wanted: Wanted, *, now: datetime, after: Place | None = None, limit: int = 50
) -> tuple[list[LinkRow], Place | None]:
    """A page, oldest first, and the place the next goes on from. One query."""
    where, params = _where(wanted, now)
    if after is not None:
        where += " AND (q.placed_at, q.id) > (%(after_at)s, %(after_id)s)"
        params |= {"after_at": after.at, "after_id": after.row_id}
    rows = fetch(_PAGE.format(all=_UNPAID, where=where, limit=limit + 1), params)
    found = [LinkRow(**row) for row in rows]
    return found[:limit], found[limit - 1].place if len(found) > limit else None


def links_among(ids: Sequence[int], *, now: datetime) -> list[LinkRow]:
    """Those orders as they are now, whatever became of them; `kind` is empty where nobody has to pay any more."""
    rows = fetch(
        _PAGE.format(all=_ALL + "WHERE o.id = ANY(%(ids)s)", where="true", limit=len(ids)),
        {"now": now, "ids": list(ids)},
    )
    return [LinkRow(**row) for row in rows]


def link_counts(wanted: Wanted, *, now: datetime) -> Counts:
    """One query over the orders that are not paid yet."""
    params = {"now": now, "before": now - GRACE}
    columns = ", ".join(f"q.{column} AS {name}" for name, column in _LISTS.items())
    rows = fetch(
        f"SELECT q.kind, q.currency, {columns}, count(*) AS count, sum(q.amount)::bigint AS amount"
        f" FROM ({_UNPAID}) q GROUP BY 1, 2, 3, 4, 5, 6",
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
    where = "q.kind = %(kind)s"
    for name, column in _LISTS.items():
        if getattr(wanted, name):
            where += f" AND q.{column} = ANY(%({name})s)"
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
