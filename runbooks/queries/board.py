"""Which explanation holds: the hypotheses of 12 January 2025, each against what our own rows say.

Every order of a window either was hurt (pinned by the incident, or diagnosed as hanging) or not, and either shows a
hypothesis' signal or not. What speaks for a hypothesis is how many of the hurt show it, and how much likelier an order
with the signal was hurt than one without; what speaks against it are the hurt that do not show it, and those that show
it and were not hurt. Nothing is scripted: the signals are conditions over rows.
"""

# ruff: noqa: S608 - names and conditions are constants of this file; values travel as parameters

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from orders.models import BreakerChange
from orders.queries.stuck.lists import fetch
from runbooks.models import Incident

BUCKETS: Final = 24
DIMENSIONS: Final = ("service", "method", "city", "gateway")
LONGEST: Final = timedelta(days=7)
PATIENCE: Final = timedelta(minutes=15)  # for so long after it was placed an order needs its neighbours
FEW: Final = 3  # orders; of fewer nothing is said


class Hypothesis(StrEnum):
    POOL = "pool"  # the database had no connection left, or nobody did the work that was due
    CALLBACKS = "callbacks"  # it was paid, and no callback came
    BREAKER = "breaker"  # a neighbour it needed was not called
    TIMEOUTS = "timeouts"  # a neighbour did not answer in time
    RACES = "races"  # two things happened to it at once


# Conditions over `o`, an order of the window.
_SIGNALS: Final[Mapping[Hypothesis, str]] = {
    Hypothesis.POOL: (
        "EXISTS (SELECT FROM orders_diagnosis d WHERE d.order_id = o.id"
        " AND d.cause IN ('database_pool_dry', 'worker_backlog'))"
    ),
    Hypothesis.CALLBACKS: (
        "EXISTS (SELECT FROM orders_attempt p WHERE p.order_id = o.id AND p.state IN ('paid', 'reversed')"
        " AND NOT EXISTS (SELECT FROM orders_inboundevent i WHERE i.attempt_id = p.id))"
        " OR EXISTS (SELECT FROM orders_diagnosis d WHERE d.order_id = o.id AND d.cause = 'callback_lost')"
    ),
    Hypothesis.BREAKER: (
        "EXISTS (SELECT FROM shut WHERE shut.since <= o.placed_at + %(patience)s AND shut.until >= o.placed_at"
        " AND (shut.upstream = coalesce(a.gateway, '') OR (shut.upstream = 'tpg' AND o.service = 'taxi')"
        " OR shut.upstream = o.service))"
    ),
    Hypothesis.TIMEOUTS: (
        "EXISTS (SELECT FROM orders_history s WHERE s.order_id = o.id AND s.verb = 'send'"
        " AND s.machine IN ('attempt', 'step', 'posting', 'refund') AND s.recorded_at < %(now)s - interval '10 seconds'"
        " AND NOT EXISTS (SELECT FROM orders_history n"
        " WHERE n.order_id = s.order_id AND n.machine = s.machine AND n.subject_id = s.subject_id AND n.seq > s.seq"
        " AND n.verb <> 'lose'"  # giving up waiting is no answer
        " AND n.recorded_at <= s.recorded_at + CASE s.machine WHEN 'attempt' THEN interval '3 seconds'"
        " ELSE interval '10 seconds' END))"
    ),
    Hypothesis.RACES: (
        "o.state = 'paid_after_close'"
        " OR (SELECT count(*) FROM orders_attempt p WHERE p.order_id = o.id AND p.state = 'paid') > 1"
        " OR EXISTS (SELECT FROM orders_inboundevent i WHERE i.order_id = o.id"
        " AND i.state IN ('out_of_order', 'illegal'))"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which orders are looked at. Empty means any; `since` and `until` are when they were placed."""

    since: datetime
    until: datetime
    service: str = ""
    method: str = ""
    city: str = ""
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """One hypothesis over some orders: `all` orders, of which `hurt`; `shown` of all show the signal, `both` are hurt
    and show it."""

    all: int
    hurt: int
    shown: int
    both: int

    @property
    def share(self) -> float:
        """Of the hurt, how many it could explain."""
        return self.both / self.hurt if self.hurt else 0.0

    @property
    def unexplained(self) -> int:
        return self.hurt - self.both

    @property
    def harmless(self) -> int:
        """Showed it and were not hurt."""
        return self.shown - self.both

    @property
    def lift(self) -> float | None:
        """How many times likelier hurt with it than without; None where one side is empty or nobody without it was
        hurt."""
        others = self.all - self.shown
        if not self.shown or not others or not self.unexplained:
            return None
        return (self.both / self.shown) / (self.unexplained / others)

    @property
    def weight(self) -> float:
        """As `lift`, with a few orders of the average added to either side: there is always an answer, three orders
        that came to no harm prove little, and what all show makes nobody likelier hurt."""
        usual = self.hurt / self.all
        with_it = (self.both + FEW * usual) / (self.shown + FEW)
        return with_it / ((self.unexplained + FEW * usual) / (self.all - self.shown + FEW))


class Verdict(StrEnum):
    STRONG = "strong"
    SOME = "some"
    WEAK = "weak"
    UNKNOWN = "unknown"


def verdict(counted: Counted) -> Verdict:
    """Strong: explains half of the hurt, and an order with it is twice as likely hurt. Some: a tenth, and half again as
    likely. What all orders show explains nothing."""
    if counted.hurt < FEW:
        return Verdict.UNKNOWN
    if counted.share >= 0.5 and counted.weight >= 2:
        return Verdict.STRONG
    if counted.share >= 0.1 and counted.weight >= 1.5:
        return Verdict.SOME
    return Verdict.WEAK


@dataclass(frozen=True, slots=True)
class Pattern:
    """One value of a dimension among the hurt that show a signal, against its share of all orders."""

    dimension: str
    value: str
    both: int
    share: float
    usual: float


@dataclass(frozen=True, slots=True)
class Board:
    """Everything, of one window. `hurt_course`, `courses` count by 24ths of it."""

    window: Window
    all: int
    hurt: int
    counted: Mapping[Hypothesis, Counted]
    patterns: Mapping[Hypothesis, Sequence[Pattern]]
    hurt_course: Sequence[int]
    courses: Mapping[Hypothesis, Sequence[int]] = field(default_factory=dict)

    @property
    def ranked(self) -> Sequence[Hypothesis]:
        """The likeliest first."""
        order = list(Verdict)
        return sorted(
            Hypothesis, key=lambda each: (order.index(verdict(self.counted[each])), -self.counted[each].share)
        )


def window_of(incident: Incident, *, now: datetime) -> Window:
    """From half an hour before it began until it was over."""
    since = incident.began_at - timedelta(minutes=30)
    return Window(since=since, until=max(incident.resolved_at or now, since + timedelta(minutes=1)))


def board(incident: Incident, window: Window, *, now: datetime) -> Board:
    """Two statements, however many orders the window has."""
    rows = fetch(_statement(), {**_params(incident, window), "now": now})
    total = next(row for row in rows if row["part"] == "all")
    by_bucket = {int(row["value"]): row for row in rows if row["part"] == "bucket"}
    return Board(
        window=window,
        all=total["all"],
        hurt=total["hurt"],
        counted={each: _counted(total, each) for each in Hypothesis},
        patterns={each: _patterns(rows, total, each) for each in Hypothesis},
        hurt_course=_course(by_bucket, "hurt"),
        courses={each: _course(by_bucket, f"{each}_both") for each in Hypothesis},
    )


def choices(window: Window) -> Mapping[str, Sequence[str]]:
    """What each dimension can be narrowed to within the window."""
    parts = [
        f"SELECT DISTINCT '{name}' AS name, {column} AS value FROM orders_order o"
        " LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id"
        " WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s"
        for name, column in _COLUMNS.items()
    ]
    found = fetch(" UNION ".join(parts), {"since": window.since, "until": window.until})
    return {name: sorted(row["value"] for row in found if row["name"] == name and row["value"]) for name in DIMENSIONS}


_COLUMNS: Final = {"service": "o.service", "method": "o.method", "city": "o.city", "gateway": "coalesce(a.gateway, '')"}


def _statement() -> str:
    signals = ", ".join(f"({condition}) AS {name}" for name, condition in _SIGNALS.items())
    columns = ", ".join(f"{column} AS {name}" for name, column in _COLUMNS.items())
    filters = " ".join(f"AND (%({name})s = '' OR {column} = %({name})s)" for name, column in _COLUMNS.items())
    sums = ", ".join(
        f"count(*) FILTER (WHERE {name}) AS {name}_shown, count(*) FILTER (WHERE {name} AND is_hurt) AS {name}_both"
        for name in _SIGNALS
    )
    names = ", ".join(DIMENSIONS)
    part = " ".join(f"WHEN grouping({name}) = 0 THEN '{name}'" for name in (*DIMENSIONS, "bucket"))
    value = f"coalesce({names}, bucket::text, '')"
    return (
        "WITH shut AS (SELECT * FROM unnest(%(upstreams)s::text[], %(shut_since)s::timestamptz[],"
        " %(shut_until)s::timestamptz[]) AS t(upstream, since, until)),"
        f" scope AS MATERIALIZED (SELECT {columns}, {signals},"
        " least(floor(extract(epoch FROM o.placed_at - %(since)s) / %(step)s)::int, %(last)s) AS bucket,"
        " (EXISTS (SELECT FROM runbooks_cohortorder c WHERE c.order_id = o.id AND c.incident_id = %(incident)s)"
        " OR EXISTS (SELECT FROM orders_diagnosis d WHERE d.order_id = o.id)) AS is_hurt"
        " FROM orders_order o LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id"
        f" WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s {filters})"
        f" SELECT CASE {part} ELSE 'all' END AS part, {value} AS value, count(*) AS all,"
        f" count(*) FILTER (WHERE is_hurt) AS hurt, {sums} FROM scope"
        f" GROUP BY GROUPING SETS ((), {', '.join(f'({name})' for name in (*DIMENSIONS, 'bucket'))})"
    )


def _params(incident: Incident, window: Window) -> dict[str, Any]:
    shut = _shut(window)
    step = max((window.until - window.since).total_seconds() / BUCKETS, 1.0)
    return {
        "incident": incident.pk,
        "since": window.since,
        "until": window.until,
        "step": step,
        "last": BUCKETS - 1,
        "patience": PATIENCE,
        "upstreams": [name for name, _since, _until in shut],
        "shut_since": [since for _name, since, _until in shut],
        "shut_until": [until for _name, _since, until in shut],
        **{name: getattr(window, name) for name in DIMENSIONS},
    }


def _shut(window: Window) -> list[tuple[str, datetime, datetime]]:
    """When which breaker was open within the window, from what was written of its changes."""
    rows = BreakerChange.objects.filter(at__gte=window.since - LONGEST, at__lt=window.until + PATIENCE).order_by("at")
    found: list[tuple[str, datetime, datetime]] = []
    open_: dict[str, datetime] = {}
    for row in rows:
        if row.target in ("open", "forced_open"):
            open_.setdefault(row.upstream, row.at)
        elif row.target in ("closed", "forced_closed") and row.upstream in open_:
            found.append((row.upstream, open_.pop(row.upstream), row.at))
    return [*found, *((name, since, window.until + PATIENCE) for name, since in open_.items())]


def _counted(row: Mapping[str, Any], each: Hypothesis) -> Counted:
    return Counted(row["all"], row["hurt"], row[f"{each}_shown"], row[f"{each}_both"])


def _patterns(rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any], each: Hypothesis) -> Sequence[Pattern]:
    """The value of each dimension that stands out most, where one does."""
    both = total[f"{each}_both"]
    if both < FEW:
        return []
    found = []
    for dimension in DIMENSIONS:
        values = [
            Pattern(dimension, row["value"], row[f"{each}_both"], row[f"{each}_both"] / both, row["all"] / total["all"])
            for row in rows
            if row["part"] == dimension and row["value"]
        ]
        best = max(values, key=lambda pattern: pattern.share - pattern.usual, default=None)
        if best is not None and best.both >= FEW and best.share - best.usual >= 0.1:
            found.append(best)
    return found


def _course(by_bucket: Mapping[int, Mapping[str, Any]], name: str) -> Sequence[int]:
    return [int(by_bucket[each][name]) if each in by_bucket else 0 for each in range(BUCKETS)]
