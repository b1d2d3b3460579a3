"""The queue of sagas that need a person: what could not be undone, and what is being undone for too long.

Oldest first, by keyset. The money at stake is what of the customer's money we hold for the order.
"""

# ruff: noqa: S608 - what is put into the text are constants of this file

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from orders.policies import ANY_SERVICE, Limits
from orders.queries.places import Place
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import fetch
from orders.states import HandCause, SagaState


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means any. `owner` is a user's id; `unowned` only what is nobody's."""

    kinds: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    owner: int | None = None
    unowned: bool = False

    @property
    def conditions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for column, values in (("kind", self.kinds), ("cause", self.causes), ("partner", self.partners)):
            if values:
                yield f"q.{column} = ANY(%({column}s)s)", {f"{column}s": list(values)}
        if self.owner is not None:
            yield "q.owner_id = %(owner)s", {"owner": self.owner}
        if self.unowned:
            yield "q.owner_id IS NULL", {}


@dataclass(frozen=True, slots=True)
class Hand:
    """One saga that needs a person. `number` counts the sagas of its order; `partner` and `step` are where
    it stopped, `said` is the partner's answer there; `held` is the customer's money, in minor units."""

    saga_id: int
    number: int
    kind: str
    state: str
    cause: str
    since: datetime
    public_id: str
    order_state: str
    service: str
    city: str
    currency: str
    owner_id: int | None
    partner: str
    step: str
    said: str
    tries: int
    held: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many of one sort there are, how much money, and since when."""

    kind: str
    cause: str
    partner: str
    owner_id: int | None
    currency: str
    count: int
    held: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """`next` and `previous` are the places to go on from, None at either end."""

    rows: Sequence[Hand]
    next: Place | None
    previous: Place | None


# The step where it stopped is the last one that is not undone: undoing goes backwards.
_QUEUE: Final = """
SELECT g.id AS saga_id, g.kind, g.state, g.entered_at AS since, o.id AS order_id, o.public_id,
       o.state AS order_state, o.service, o.city, o.currency, o.owner_id,
       CASE WHEN g.state = 'needs_hand' THEN g.cause ELSE '{overdue}' END AS cause,
       coalesce(t.partner, '') AS partner, coalesce(t.name, '') AS step, coalesce(t.last_error, '') AS said,
       coalesce(t.tries, 0) AS tries
FROM orders_saga g
JOIN orders_order o ON o.id = g.order_id
LEFT JOIN LATERAL (
    SELECT partner, name, last_error, tries FROM orders_step
    WHERE saga_id = g.id AND state IN ('undo_failed', 'undoing', 'done', 'sent', 'unknown')
    ORDER BY number DESC LIMIT 1) t ON true
WHERE g.state = 'needs_hand' OR (g.state = 'compensating' AND g.entered_at <= {late})
"""
_NUMBER: Final = "(SELECT count(*) FROM orders_saga b WHERE b.order_id = q.order_id AND b.id <= q.saga_id) AS number"
_HELD: Final = "opsconsole_held(q.order_id) AS held"


def hands_page(wanted: Wanted, *, after: Place | None = None, before: Place | None = None, limit: int = 50) -> Page:
    """The page behind `after` (younger), the one before `before` (older), or the first. Two queries."""
    if before is not None:
        found = list(_rows(wanted, f"(q.since, q.saga_id) < ({_AT})", before, "DESC", limit + 1))
        rows = found[:limit][::-1]
        return Page(rows, next=_place(rows[-1:]), previous=_place(rows[:1]) if len(found) > limit else None)
    found = list(_rows(wanted, f"(q.since, q.saga_id) > ({_AT})" if after else "", after, "ASC", limit + 1))
    rows = found[:limit]
    return Page(
        rows,
        next=_place(rows[-1:]) if len(found) > limit else None,
        previous=_place(rows[:1]) if after is not None else None,
    )


_AT: Final = "%(at_since)s, %(at_id)s"


def _place(rows: Sequence[Hand]) -> Place | None:
    return Place(rows[0].since, rows[0].saga_id) if rows else None


def all_hands(wanted: Wanted, *, batch: int) -> Iterator[Hand]:
    """Every row that fits, oldest first, read page by page."""
    place: Place | None = None
    while True:
        page = hands_page(wanted, after=place, limit=batch)
        yield from page.rows
        if page.next is None:
            return
        place = page.next


def _rows(wanted: Wanted, beyond: str, place: Place | None, way: str, limit: int) -> Iterator[Hand]:
    queue, params = _queue(limits_in_force())
    conditions = [beyond] if beyond else []
    for condition, given in wanted.conditions:
        conditions.append(condition)
        params.update(given)
    if place is not None:
        params.update(at_since=place.at, at_id=place.row_id)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = (
        f"SELECT q.*, {_NUMBER}, {_HELD} FROM ({queue}) q {where}"
        f" ORDER BY q.since {way}, q.saga_id {way} LIMIT {limit:d}"
    )
    names = [each.name for each in fields(Hand)]
    return (Hand(**{name: row[name] for name in names}) for row in fetch(statement, params))


def shares() -> Sequence[Share]:
    """All of the queue, sort by sort: what the counts of every filter are added up from. Two queries."""
    queue, params = _queue(limits_in_force())
    statement = (
        "SELECT q.kind, q.cause, q.partner, q.owner_id, q.currency, count(*) AS count,"
        " coalesce(sum(opsconsole_held(q.order_id)), 0)::bigint AS held, min(q.since) AS oldest"
        f" FROM ({queue}) q GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
    )
    return [Share(**row) for row in fetch(statement, params)]


def chosen(all_shares: Iterable[Share], wanted: Wanted) -> list[Share]:
    """Those that a filter lets through."""
    return [share for share in all_shares if _fits(share, wanted)]


def _fits(share: Share, wanted: Wanted) -> bool:
    lists = ((wanted.kinds, share.kind), (wanted.causes, share.cause), (wanted.partners, share.partner))
    if any(values and value not in values for values, value in lists):
        return False
    if wanted.unowned:
        return share.owner_id is None
    return wanted.owner is None or share.owner_id == wanted.owner


def money_of(some: Iterable[Share]) -> Mapping[str, int]:
    """Minor units by currency; currencies are never added."""
    sums: dict[str, int] = {}
    for share in some:
        sums[share.currency] = sums.get(share.currency, 0) + share.held
    return {currency: held for currency, held in sums.items() if held}


def _queue(limits: Limits) -> tuple[str, dict[str, Any]]:
    """The queue as a subquery. How long undoing may take is the stuck limit of `compensating`."""
    late: dict[str, timedelta] = dict(limits.by_service("saga", SagaState.COMPENSATING))
    params = {f"late_{service}": timezone.now() - limit for service, limit in late.items()}
    default = f"%(late_{ANY_SERVICE})s" if late.pop(ANY_SERVICE, None) is not None else "'-infinity'"
    cases = "".join(f" WHEN '{service}' THEN %(late_{service})s" for service in late)
    cutoff = f"CASE o.service{cases} ELSE {default} END" if cases else default
    return _QUEUE.format(overdue=HandCause.OVERDUE.value, late=cutoff), params
