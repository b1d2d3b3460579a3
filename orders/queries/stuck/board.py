"""All numbers around one page of the stuck list, in one statement.

Planning the union costs more than running it, so it is put together once: the totals of everything
stuck and of what the reader chose, the counts of the saved views, what came since the reader looked,
and for each filter how many rows each of its values would give. A filter's own choice does not count
in its own numbers, all the others' do, so no filter hides another's values.
"""

# ruff: noqa: S608

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from orders.policies import Limits
from orders.queries.places import Place
from orders.queries.stuck.arms import OF_ORDER, Question
from orders.queries.stuck.filters import UNPAID, StuckFilter, conditions
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import WITH_HELD, fetch
from orders.queries.stuck.totals import Totals, View, summed

ANY: Final = StuckFilter(held="include")

# Name of a facet: its column of the board, and the fields of the filter that choose in it.
FACETS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "state": ("kind", ("kinds",)),
    "service": ("service", ("services",)),
    "gateway": ("gateway", ("gateways",)),
    "method": ("method", ("methods",)),
    "city": ("city", ("cities",)),
    "channel": ("channel", ("channels",)),
    "cause": ("cause", ("causes",)),
    "owner": ("owner_id::text", ("owner", "unowned")),
}
_AGE: Final = ("min_age",)
_NOBODY: Final = 0  # no user has this id: a view and a filter that exclude each other give nothing


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

    `facets[name][value]` is how many rows the value would give; `newcomers` is how many rows came
    since the reader looked; `also` are the counts of further filters.
    """

    everything: Totals = field(default_factory=Totals)
    chosen: Totals = field(default_factory=Totals)
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
    seen: Seen | None = None,
    also: Sequence[tuple[StuckFilter, StuckFilter]] = (),
    limits: Limits | None = None,
) -> Board:
    """`base` is the view's filter and always holds; `chosen` are the reader's own, what is held among them.

    `also` are pairs of the same kind that are only counted.
    """
    question = Question(WITH_HELD, limits or limits_in_force(), at, of_order=OF_ORDER)
    matches = _Matches(base, chosen)
    counted = [_Matches(*pair, prefix=f"also_{number}_") for number, pair in enumerate(also)]
    parts = [_totals("everything", "NOT is_held"), _totals("chosen", matches.all()), _OLDEST, _VIEWS]
    parts += [_facet(name, matches) for name in FACETS] if with_facets else []
    parts += [_newcomers(seen, question, matches)] if seen else []
    parts += [_ALSO.format(number=number) for number in range(len(counted))]
    statement = f"WITH {_stuck(question, matches, counted)} {' UNION ALL '.join(f'({part})' for part in parts)}"
    params = {**question.params, "me": user_id, "unpaid": list(UNPAID)}
    for each in (matches, *counted):
        params.update(each.params)
    return _board(fetch(statement, params))


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
        self.columns = {
            name: self._condition(replace(ANY, **{each: getattr(chosen, each) for each in names}), name)
            for name, (_column, names) in FACETS.items()
        }
        self.columns["age"] = self._age(chosen, "chosen")
        rest = (
            self._condition(replace(base, held="include"), "base"),
            self._age(base, "base"),
            self._condition(replace(chosen, **blank), "rest"),
        )
        self.columns["rest"] = " AND ".join(rest)

    def condition(self) -> str:
        """All of them in one, for a filter that is only counted."""
        return " AND ".join(f"({condition})" for condition in self.columns.values())

    def all(self, *, but: str = "") -> str:
        return " AND ".join(f"m_{name}" for name in self.columns if name != but)

    def _condition(self, wanted: StuckFilter, name: str) -> str:
        found = [self._renamed(sql, params, f"{name}_") for sql, params in conditions(wanted)]
        found += [self._kinds(wanted, name)] if wanted.kinds else []
        found += [self._machines(wanted, name)] if wanted.machines else []
        return " AND ".join(f"({each})" for each in found) or "true"

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
            return "true"
        return f"u.since <= %(clock)s - {self._param(f'{name}_age', wanted.min_age)}"


# The order's columns under the name that conditions know them by: the arms read them already.
_ORDER: Final = (
    f"SELECT u.order_id AS id, u.order_state AS state, u.owner_id, {', '.join(f'u.{name}' for name in OF_ORDER)}"
)


def _stuck(question: Question, matches: _Matches, counted: Sequence[_Matches]) -> str:
    flags = {f"m_{name}": condition for name, condition in matches.columns.items()}
    flags |= {f"also_{number}": each.condition() for number, each in enumerate(counted)}
    columns = ", ".join(f"({condition}) IS TRUE AS {name}" for name, condition in flags.items())
    return (
        "stuck AS MATERIALIZED (SELECT u.*, u.machine || '.' || u.state AS kind,"
        " coalesce(at.gateway, '') AS gateway, coalesce(dg.cause, '') AS cause,"
        " (o.held_until > %(clock)s) IS TRUE AS is_held, u.order_state <> ALL(%(unpaid)s) AS is_paid,"
        f" {columns} FROM ({question.union()}) u CROSS JOIN LATERAL ({_ORDER}) o"
        " LEFT JOIN orders_attempt at ON at.id = o.owning_attempt_id"
        " LEFT JOIN orders_diagnosis dg ON dg.order_id = o.id)"
    )


def _totals(part: str, where: str) -> str:
    return (
        f"SELECT '{part}' AS part, currency::text AS value, count(*) AS count, sum(amount)::bigint AS money,"
        " min(since) AS oldest, count(*) FILTER (WHERE is_paid) AS paid_count,"
        " coalesce(sum(amount) FILTER (WHERE is_paid), 0)::bigint AS paid_money"
        f" FROM stuck WHERE {where} GROUP BY currency"
    )


_NOTHING_MORE: Final = "0::bigint, NULL::timestamptz, 0::bigint, 0::bigint"
_ALSO: Final = f"SELECT 'also', '{{number}}', count(*), {_NOTHING_MORE} FROM stuck WHERE also_{{number}}"
_OLDEST: Final = (
    f"SELECT 'oldest', public_id::text, 1::bigint, {_NOTHING_MORE} FROM stuck WHERE NOT is_held"
    " ORDER BY since, order_id LIMIT 1"
)
_VIEWS: Final = (
    f"SELECT 'view', v.name, v.count, {_NOTHING_MORE} FROM (SELECT count(*) AS everything,"
    " count(*) FILTER (WHERE is_paid) AS paid, count(*) FILTER (WHERE machine = 'refund') AS refunds,"
    " count(*) FILTER (WHERE machine = 'posting') AS not_at_ho, count(*) FILTER (WHERE owner_id IS NULL) AS unowned,"
    " count(*) FILTER (WHERE owner_id = %(me)s) AS mine FROM stuck WHERE NOT is_held) c CROSS JOIN LATERAL (VALUES"
    " ('all', c.everything), ('paid', c.paid), ('refunds', c.refunds), ('not_at_ho', c.not_at_ho),"
    " ('unowned', c.unowned), ('mine', c.mine)) v(name, count)"
)


def _facet(name: str, matches: _Matches) -> str:
    column, _fields = FACETS[name]
    return (
        f"SELECT 'facet:{name}', coalesce({column}, ''), count(*), {_NOTHING_MORE}"
        f" FROM stuck WHERE {matches.all(but=name)} GROUP BY 2"
    )


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


def _board(rows: Sequence[Mapping[str, Any]]) -> Board:
    by_part: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_part.setdefault(row["part"], []).append(row)
    counts = {part: {row["value"]: row["count"] for row in found} for part, found in by_part.items()}
    return Board(
        everything=_total(by_part.get("everything", [])),
        chosen=_total(by_part.get("chosen", [])),
        oldest=next(iter(counts.get("oldest", {})), ""),
        views={View(name): count for name, count in counts["view"].items()},
        facets={name: counts.get(f"facet:{name}", {}) for name in FACETS},
        newcomers=counts.get("newcomers", {}).get("", 0),
        also=[
            count for _number, count in sorted((int(value), count) for value, count in counts.get("also", {}).items())
        ],
    )


def _total(rows: Sequence[Mapping[str, Any]]) -> Totals:
    return summed([{**row, "currency": row["value"]} for row in rows])
