"""One page of the stuck list and all numbers around it, in one statement.

Planning the union costs more than running it, so it is put together once: the rows of the page, the totals of
everything stuck and of what the reader chose, the counts of the saved views, what came since the reader
looked, and, where they are asked for, how many rows each value of each filter would give. A filter's own choice does
not count in its own numbers, all the others' do, so no filter hides another's values.
"""

# ruff: noqa: S608

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from orders.policies import Limits
from orders.queries.places import Place
from orders.queries.prepared import fetch_prepared
from orders.queries.stuck.arms import COLUMNS, OF_ORDER, OF_TEXT, Question
from orders.queries.stuck.filters import UNPAID, StuckFilter, conditions
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import WITH_HELD, Found, StuckRow, detailed
from orders.queries.stuck.totals import Totals, View, summed

ANY: Final = StuckFilter(held="include")

# Name of a facet: its column of the board, and the fields of the filter that choose in it.
FACETS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "state": ("machine || '.' || state", ("kinds",)),
    "service": ("service", ("services",)),
    "gateway": ("gateway", ("gateways",)),
    "method": ("method", ("methods",)),
    "city": ("city", ("cities",)),
    "channel": ("channel", ("channels",)),
    "cause": ("cause", ("causes",)),
    "owner": ("owner_id::text", ("owner", "unowned")),
}
_GROUPED: Final = ("state", "service", "gateway", "method", "city", "channel", "cause")  # and the owner, always
_AGE: Final = ("min_age",)
_TRUE: Final = "true"
_NOBODY: Final = 0  # no user has this id: a view and a filter that exclude each other give nothing


@dataclass(frozen=True, slots=True)
class Turn:
    """A page of the list: behind a place, before one, or the first. One row more than `limit` is read, for whoever
    wants to know whether the list goes on."""

    limit: int
    after: Place | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reader has on screen: the rows, when they were read, and the places around them."""

    order_ids: Sequence[int]
    at: datetime
    after: Place | None = None
    until: Place | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """`everything` is all that is stuck and not held; `chosen` what view and filters leave of it.

    `rows` are those of the turn, or those of the seen that are still stuck, oldest first;
    `facets[name][value]` is how many rows the value would give, without any name where nobody asked; `newcomers` is
    how many rows came since the reader looked; `also` are the counts of further filters.
    """

    everything: Totals = field(default_factory=Totals)
    chosen: Totals = field(default_factory=Totals)
    rows: Sequence[StuckRow] = ()
    oldest: str = ""
    views: Mapping[View, int] = field(default_factory=dict)
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    newcomers: int = 0
    also: Sequence[int] = ()


def read_board(
    *,
    base: StuckFilter,
    chosen: StuckFilter,
    user_id: int | None,
    at: datetime,
    with_facets: bool = True,
    page: Turn | Seen | None = None,
    also: Sequence[tuple[StuckFilter, StuckFilter]] = (),
    limits: Limits | None = None,
) -> Board:
    """`base` is the view's filter and always holds; `chosen` are the reader's own, what is held among them.

    `page` is what to read of the list itself; `also` are pairs of filters that are only counted.
    """
    has_text = any(each.text.strip() for pair in ((base, chosen), *also) for each in pair)
    question = Question(WITH_HELD, limits or limits_in_force(), at, of_order=OF_ORDER + (OF_TEXT if has_text else ()))
    matches = _Matches(base, chosen)
    counted = [_Matches(*pair, prefix=f"also_{number}_") for number, pair in enumerate(also)]
    parts = [*_numbers(matches, len(counted), with_facets=with_facets), *_of_page(page, question, matches)]
    stuck = _stuck(question, matches, counted, with_facets=with_facets)
    tables = f"{stuck}, {_groups(matches, len(counted), with_facets=with_facets)}"
    question.params.update({"me": user_id, "unpaid": list(UNPAID)})
    for each in (matches, *counted):
        question.params.update(each.params)
    rows = fetch_prepared(f"WITH {tables} {' UNION ALL '.join(f'({part})' for part in parts)}", question.params)
    return _board(rows, question, with_facets=with_facets)


def combined(base: StuckFilter, chosen: StuckFilter) -> StuckFilter:
    """One filter for the list itself: the view's own fields (machines, paid, owner) and the reader's."""
    both = replace(chosen, machines=base.machines, paid=base.paid)
    if base.owner is None and not base.unowned:
        return both
    wanted, asked = (None if base.unowned else base.owner), (None if chosen.unowned else chosen.owner)
    is_asked = chosen.unowned or chosen.owner is not None
    if is_asked and wanted != asked:
        return replace(both, owner=_NOBODY, unowned=False)
    return replace(both, owner=base.owner, unowned=base.unowned)


class _Matches:
    """The filters as boolean columns of the board, one a facet, so that each can be left out."""

    def __init__(self, base: StuckFilter, chosen: StuckFilter, *, prefix: str = "") -> None:
        self.params: dict[str, Any] = {}
        self.prefix = prefix
        own = [name for _column, names in FACETS.values() for name in (*names, *_AGE)]
        blank = {name: getattr(ANY, name) for name in own}
        columns = {
            name: self._condition(replace(ANY, **{each: getattr(chosen, each) for each in names}), name)
            for name, (_column, names) in FACETS.items()
        }
        columns["age"] = self._age(chosen, "chosen")
        columns["base"] = self._condition(replace(base, held="include"), "base")
        columns["base_age"] = self._age(base, "base")
        columns["rest"] = self._condition(replace(chosen, **blank), "rest")
        self.columns = {name: condition for name, condition in columns.items() if condition != _TRUE}

    def condition(self) -> str:
        """All of them in one, for a filter that is only counted."""
        return " AND ".join(f"({condition})" for condition in self.columns.values()) or _TRUE

    def all(self, *, but: str = "") -> str:
        return " AND ".join(f"m_{name}" for name in self.columns if name != but) or _TRUE

    def _condition(self, wanted: StuckFilter, name: str) -> str:
        found = [self._renamed(sql, params, f"{name}_") for sql, params in conditions(wanted)]
        found += [self._kinds(wanted, name)] if wanted.kinds else []
        found += [self._machines(wanted, name)] if wanted.machines else []
        return " AND ".join(f"({each})" for each in found) or _TRUE

    def _renamed(self, sql: str, params: Mapping[str, Any], prefix: str) -> str:
        """The same condition may stand here twice, of the view and of the reader."""
        for name, value in params.items():
            sql = sql.replace(f"%({name})s", self._param(f"{prefix}{name}", value))
        return sql

    def _param(self, name: str, value: Any) -> str:
        self.params[f"{self.prefix}{name}"] = value
        return f"%({self.prefix}{name})s"

    def _kinds(self, wanted: StuckFilter, name: str) -> str:
        kinds = [f"{machine}.{state}" for machine, state in wanted.kinds]
        return f"u.machine || '.' || u.state = ANY({self._param(f'{name}_kinds', kinds)})"

    def _machines(self, wanted: StuckFilter, name: str) -> str:
        return f"u.machine = ANY({self._param(f'{name}_machines', list(wanted.machines))})"

    def _age(self, wanted: StuckFilter, name: str) -> str:
        if wanted.min_age is None:
            return _TRUE
        return f"u.since <= %(clock)s - {self._param(f'{name}_age', wanted.min_age)}"


# A row that is written down costs as much as finding it: nothing is written down that nobody reads.
_KEPT: Final = (*COLUMNS, "service", "held_until")
_OF_FACETS: Final = (
    ", u.method, u.city, u.channel, coalesce(at.gateway, '') AS gateway, coalesce(dg.cause, '') AS cause"
)
_FOR_FACETS: Final = (
    " LEFT JOIN orders_attempt at ON at.id = o.owning_attempt_id LEFT JOIN orders_diagnosis dg ON dg.order_id = o.id"
)


def _stuck(question: Question, matches: _Matches, counted: Sequence[_Matches], *, with_facets: bool) -> str:
    """All that is stuck, row by row; the order's columns stand in `o` under the names that conditions know."""
    flags = {f"m_{name}": condition for name, condition in matches.columns.items()}
    flags |= {f"also_{number}": each.condition() for number, each in enumerate(counted)}
    columns = "".join(f", ({condition}) IS TRUE AS {name}" for name, condition in flags.items())
    order = ", ".join(("u.order_id AS id", "u.order_state AS state", "u.owner_id", *question.of_order))
    return (
        f"stuck AS MATERIALIZED (SELECT {', '.join(f'u.{name}' for name in _KEPT)}{_OF_FACETS if with_facets else ''},"
        " (o.held_until > %(clock)s) IS TRUE AS is_held, u.order_state <> ALL(%(unpaid)s) AS is_paid"
        f"{columns} FROM ({question.union()}) u CROSS JOIN LATERAL (SELECT {order}) o"
        f"{_FOR_FACETS if with_facets else ''})"
    )


def _groups(matches: _Matches, counted: int, *, with_facets: bool) -> str:
    """What is alike, put together once: a few hundred lines in place of thousands, of which all numbers are sums."""
    keys = ["currency", "machine", "owner_id", "is_held", "is_paid", *(f"m_{name}" for name in matches.columns)]
    keys += _GROUPED if with_facets else ()
    also = "".join(f", count(*) FILTER (WHERE also_{number}) AS also_{number}" for number in range(counted))
    return (
        f"groups AS MATERIALIZED (SELECT {', '.join(keys)}, count(*) AS count, sum(amount) AS money,"
        f" min(since) AS oldest{also} FROM stuck GROUP BY {', '.join(keys)})"
    )


def _numbers(matches: _Matches, counted: int, *, with_facets: bool) -> Iterator[str]:
    yield _totals("everything", "NOT is_held")
    yield _totals("chosen", matches.all())
    yield _OLDEST
    yield _views()
    if with_facets:
        yield from (_facet(name, matches) for name in FACETS)
    yield from (
        f"SELECT 'also', '{number}', {_sum(f'also_{number}')}, {_NOTHING_MORE} FROM groups" for number in range(counted)
    )


def _sum(column: str, condition: str = _TRUE) -> str:
    return f"coalesce(sum({column}) FILTER (WHERE {condition}), 0)::bigint"


def _totals(part: str, where: str) -> str:
    return (
        f"SELECT '{part}' AS part, currency::text AS value, {_sum('count')} AS count, {_sum('money')} AS money,"
        f" min(oldest) AS oldest, {_sum('count', 'is_paid')} AS paid_count, {_sum('money', 'is_paid')} AS paid_money"
        f" FROM groups WHERE {where} GROUP BY currency"
    )


_NOTHING_MORE: Final = "0::bigint, NULL::timestamptz, 0::bigint, 0::bigint"
_OLDEST: Final = (
    "SELECT 'oldest', (SELECT public_id FROM orders_order WHERE id = first.order_id), 1::bigint,"
    f" {_NOTHING_MORE} FROM (SELECT order_id FROM stuck WHERE NOT is_held"
    " AND since = (SELECT min(oldest) FROM groups WHERE NOT is_held) ORDER BY order_id LIMIT 1) first"
)
_OF_VIEW: Final[Mapping[View, str]] = {
    View.ALL: _TRUE,
    View.PAID: "is_paid",
    View.REFUNDS: "machine = 'refund'",
    View.NOT_AT_HO: "machine = 'posting'",
    View.UNOWNED: "owner_id IS NULL",
    View.MINE: "owner_id = %(me)s",
}


def _views() -> str:
    counts = ", ".join(f"{_sum('count', condition)} AS {view}_count" for view, condition in _OF_VIEW.items())
    lines = ", ".join(f"('{view}', c.{view}_count)" for view in _OF_VIEW)
    return (
        f"SELECT 'view', v.name, v.count, {_NOTHING_MORE} FROM (SELECT {counts} FROM groups WHERE NOT is_held) c"
        f" CROSS JOIN LATERAL (VALUES {lines}) v(name, count)"
    )


def _facet(name: str, matches: _Matches) -> str:
    column, _fields = FACETS[name]
    return (
        f"SELECT 'facet:{name}', coalesce({column}, ''), {_sum('count')}, {_NOTHING_MORE}"
        f" FROM groups WHERE {matches.all(but=name)} GROUP BY 2"
    )


def _of_page(page: Turn | Seen | None, question: Question, matches: _Matches) -> Iterator[str]:
    if isinstance(page, Seen):
        yield f"{_ROW} stuck WHERE order_id = ANY(%(seen)s)"
        yield _newcomers(page, question, matches)
    elif page is not None:
        yield _turn(page, question, matches)


# The numbers of a row stand in the columns of a total; `detailed` reads the rest of it.
_ROW: Final = (
    "SELECT 'row', concat_ws(' ', machine, state, currency, order_state), order_id, amount, since, subject_id,"
    " 0::bigint FROM"
)


def _turn(turn: Turn, question: Question, matches: _Matches) -> str:
    where, way = matches.all(), "DESC" if turn.before else "ASC"
    place = turn.before or turn.after
    if place is not None:
        question.params.update(place_since=place.at, place_id=place.row_id)
        where += f" AND (since, order_id) {'<' if turn.before else '>'} (%(place_since)s, %(place_id)s)"
    # Chosen first: a column put together for every row that is stuck costs more than the choice.
    order = f"since {way}, order_id {way}"
    found = f"SELECT * FROM stuck WHERE {where} ORDER BY {order} LIMIT {turn.limit + 1:d}"
    return f"{_ROW} ({found}) page ORDER BY {order}"


def _newcomers(seen: Seen, question: Question, matches: _Matches) -> str:
    """Rows that got stuck after the reader looked, and rows that now stand between those on screen."""
    question.params.update(seen=list(seen.order_ids), seen_at=seen.at)
    between = " AND ".join(_between(seen, question)) or "true"
    return (
        f"SELECT 'newcomers', '', count(*), {_NOTHING_MORE} FROM stuck LEFT JOIN (VALUES {_limits(question)})"
        " AS own(machine, state, service, span) USING (machine, state, service)"
        f" LEFT JOIN (VALUES {_limits(question, service='')}) AS common(machine, state, service, span)"
        " ON common.machine = stuck.machine AND common.state = stuck.state"
        f" WHERE {matches.all()} AND NOT order_id = ANY(%(seen)s) AND (({between}) OR"
        " greatest(since + coalesce(own.span, common.span), held_until) > %(seen_at)s)"
    )


def _between(seen: Seen, question: Question) -> Iterator[str]:
    for name, place, sign in (("from", seen.after, ">"), ("until", seen.until, "<=")):
        if place is not None:
            question.params.update({f"{name}_since": place.at, f"{name}_id": place.row_id})
            yield f"(since, order_id) {sign} (%({name}_since)s, %({name}_id)s)"


def _limits(question: Question, *, service: str | None = None) -> str:
    """The limits as VALUES: those of every service by name, or only the ones for all (service '')."""
    rows = []
    for number, ((machine, state, of), span) in enumerate(question.limits.of.items()):
        if service is None or of == service:
            question.params[f"span_{number}"] = span
            rows.append(f"('{machine}', '{state}', '{of}', %(span_{number})s::interval)")
    return ", ".join(rows)


def _board(found: Sequence[Mapping[str, Any]], question: Question, *, with_facets: bool) -> Board:
    by_part: dict[str, list[Mapping[str, Any]]] = {}
    for row in found:
        by_part.setdefault(row["part"], []).append(row)
    counts = {part: {row["value"]: row["count"] for row in rows} for part, rows in by_part.items()}
    also = counts.get("also", {})
    return Board(
        everything=_total(by_part.get("everything", [])),
        chosen=_total(by_part.get("chosen", [])),
        rows=detailed(question, [_found(row) for row in by_part.get("row", [])]),
        oldest=next(iter(counts.get("oldest", {})), ""),
        views={View(name): count for name, count in counts["view"].items()},
        facets={name: counts.get(f"facet:{name}", {}) for name in FACETS} if with_facets else {},
        newcomers=counts.get("newcomers", {}).get("", 0),
        also=[also[str(number)] for number in range(len(also))],
    )


def _found(row: Mapping[str, Any]) -> Found:
    machine, state, currency, order_state = row["value"].split(" ")
    return Found(row["count"], row["oldest"], machine, state, row["paid_count"], row["money"], currency, order_state)


def _total(rows: Sequence[Mapping[str, Any]]) -> Totals:
    return summed([{**row, "currency": row["value"]} for row in rows])
