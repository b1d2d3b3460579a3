"""The stuck list: keyset pages, oldest first."""

# ruff: noqa: S608

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from orders.models import Order
from orders.policies import Limits
from orders.queries.places import Place
from orders.queries.prepared import fetch_prepared, rows_of
from orders.queries.stuck import past
from orders.queries.stuck.arms import Question
from orders.queries.stuck.filters import StuckFilter
from orders.queries.stuck.limits import limits_in_force

EVERYTHING = StuckFilter()
WITH_HELD = StuckFilter(held="include")


@dataclass(frozen=True, slots=True)
class StuckRow:
    """One stuck order. `machine` is whose clock ran out, `state` the state it hangs in, `since`
    when that began; `amount` is the money at stake, in minor units of `currency`."""

    order_id: int
    public_id: str
    origin: str
    machine: str
    state: str
    subject_id: int
    since: datetime
    order_state: str
    version: int
    amount: int
    currency: str
    service: str
    city: str
    channel: str
    method: str
    gateway: str
    customer_name: str
    owner_id: int | None
    owner: str
    held_until: datetime | None
    cause: str
    confidence: int
    next_step: str
    diagnosed_version: int | None
    diagnosed_at: datetime | None
    clock: datetime
    limit: timedelta

    @property
    def age(self) -> timedelta:
        return self.clock - self.since


@dataclass(frozen=True, slots=True)
class StuckPage:
    """`after` is the place to go on from, None at the end."""

    rows: list[StuckRow]
    after: Place | None


def stuck_page(
    wanted: StuckFilter = EVERYTHING,
    *,
    after: Place | None = None,
    limit: int = 50,
    as_of: datetime | None = None,
    limits: Limits | None = None,
) -> StuckPage:
    """A page of what is stuck now, or was at `as_of` as far as the history knows."""
    question = ask(wanted, as_of=as_of, limits=limits)
    if after is not None:
        question.params.update(after_since=after.at, after_id=after.row_id)
    rows = _rows(question, limit=limit + 1, after=after is not None)
    place = Place(rows[limit - 1].since, rows[limit - 1].order_id) if len(rows) > limit else None
    return StuckPage(rows=rows[:limit], after=place)


def all_stuck(
    wanted: StuckFilter = EVERYTHING,
    *,
    as_of: datetime | None = None,
    limits: Limits | None = None,
    batch: int = 1000,
) -> Iterator[list[StuckRow]]:
    """Everything stuck, batch by batch, at one instant."""
    clock = as_of or timezone.now()
    if as_of is not None:
        # The past is put together once, not once a page.
        yield _rows(ask(wanted, as_of=as_of, limits=limits), limit=None, after=False)
        return
    known = limits or limits_in_force()
    place: Place | None = None
    while True:
        question = Question(wanted, known, clock)
        if place is not None:
            question.params.update(after_since=place.at, after_id=place.row_id)
        rows = _rows(question, limit=batch, after=place is not None)
        if rows:
            yield rows
        if len(rows) < batch:
            return
        place = Place(rows[-1].since, rows[-1].order_id)


def stuck_order(order: Order, *, limits: Limits | None = None) -> StuckRow | None:
    """How this order hangs, held or not; None when it does not."""
    question = Question(WITH_HELD, limits or limits_in_force(), timezone.now(), only=order.pk)
    rows = _rows(question, limit=None, after=False)
    return rows[0] if rows else None


def ask(wanted: StuckFilter, *, as_of: datetime | None, limits: Limits | None) -> Question:
    """The question for now or for a past instant."""
    prefix = past.PREFIX if as_of is not None else ""
    return Question(wanted, limits or limits_in_force(), as_of or timezone.now(), prefix=prefix)


def with_tables(question: Question) -> str:
    """What has to stand before a SELECT over `question.union()`."""
    return past.tables() if question.prefix else ""


def undiagnosed(*, older_than: datetime, limit: int) -> list[StuckRow]:
    """Stuck orders, held ones too, whose diagnosis is missing, of another version, or older."""
    question = ask(WITH_HELD, as_of=None, limits=None)
    question.params["older_than"] = older_than
    stale = (
        f"SELECT w.* FROM ({question.union()}) w JOIN orders_order n ON n.id = w.order_id"
        " LEFT JOIN orders_diagnosis g ON g.order_id = w.order_id AND g.order_version = n.version"
        " AND g.computed_at >= %(older_than)s"
        f" WHERE g.order_id IS NULL ORDER BY w.since, w.order_id LIMIT {limit:d}"
    )
    return [_row(question, found) for found in fetch(_DETAILS.format(union=stale), question.params)]


def forgettable(*, older_than: datetime) -> tuple[str, dict[str, Any]]:
    """The statement that deletes diagnoses of orders that are stuck no more."""
    question = ask(WITH_HELD, as_of=None, limits=None)
    statement = (
        "DELETE FROM orders_diagnosis d WHERE d.computed_at < %(older_than)s"
        f" AND d.order_id NOT IN (SELECT w.order_id FROM ({question.union()}) w)"
    )
    return statement, {**question.params, "older_than": older_than}


_DETAILS = (
    "SELECT u.order_id, o.public_id, o.origin, u.machine, u.state, u.subject_id, u.since, u.order_state,"
    " o.version, u.amount, u.currency, o.service, o.city, o.channel, o.method, coalesce(a.gateway, '') AS gateway,"
    " o.customer_name, o.owner_id, coalesce(p.username, '') AS owner, o.held_until,"
    " coalesce(d.cause, '') AS cause, coalesce(d.confidence, 0) AS confidence,"
    " coalesce(d.next_step, '') AS next_step, d.order_version AS diagnosed_version, d.computed_at AS diagnosed_at"
    " FROM ({union}) u JOIN orders_order o ON o.id = u.order_id"
    " LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id"
    " LEFT JOIN auth_user p ON p.id = o.owner_id"
    " LEFT JOIN orders_diagnosis d ON d.order_id = u.order_id"
    " ORDER BY u.since, u.order_id"
)


def page_statement(
    wanted: StuckFilter = EVERYTHING, *, limit: int = 50, limits: Limits | None = None
) -> tuple[str, dict[str, Any]]:
    """The SQL of a first page with its parameters, for whoever wants to look at its plan."""
    question = ask(wanted, as_of=None, limits=limits)
    return _statement(question, limit=limit + 1, after=False), question.params


def _rows(question: Question, *, limit: int | None, after: bool) -> list[StuckRow]:
    statement = _statement(question, limit=limit, after=after)
    return [_row(question, found) for found in fetch_prepared(statement, question.params)]


def _statement(question: Question, *, limit: int | None, after: bool) -> str:
    oldest = question.union(limit=limit, after=after)
    if limit is not None:
        oldest = f"SELECT * FROM ({oldest}) w ORDER BY w.since, w.order_id LIMIT {limit:d}"
    return f"{with_tables(question)} {_DETAILS.format(union=oldest)}"


def told(question: Question, chosen: str) -> list[StuckRow]:
    """The rows of `chosen`, a SELECT over `question.union()`, in full and oldest first."""
    return [_row(question, found) for found in fetch(_DETAILS.format(union=chosen), question.params)]


@dataclass(frozen=True, slots=True)
class Found:
    """What the union says of one stuck order."""

    order_id: int
    since: datetime
    machine: str
    state: str
    subject_id: int
    amount: int
    currency: str
    order_state: str


_FOUND = (
    "SELECT * FROM unnest(%(order_ids)s::bigint[], %(sinces)s::timestamptz[], %(machines)s::text[], %(states)s::text[],"
    " %(subject_ids)s::bigint[], %(amounts)s::bigint[], %(currencies)s::text[], %(order_states)s::text[])"
    " AS f(order_id, since, machine, state, subject_id, amount, currency, order_state)"
)
_ARRAYS = {
    "order_ids": "order_id", "sinces": "since", "machines": "machine", "states": "state", "subject_ids": "subject_id",
    "amounts": "amount", "currencies": "currency", "order_states": "order_state",
}  # fmt: skip


def detailed(question: Question, found: Sequence[Found]) -> list[StuckRow]:
    """What a union found, in full and oldest first, without asking it again."""
    if not found:
        return []
    question.params.update({name: [getattr(each, own) for each in found] for name, own in _ARRAYS.items()})
    return told(question, _FOUND)


def _row(question: Question, found: dict[str, Any]) -> StuckRow:
    limit = question.limits.limit(found["machine"], found["state"], found["service"])
    return StuckRow(**found, clock=question.clock, limit=limit or timedelta(0))


def fetch(statement: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one statement, by column name."""
    with connection.cursor() as cursor:
        return rows_of(cursor, statement, params)
