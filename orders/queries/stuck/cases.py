"""Stuck orders grouped by their cause: one line for a thousand orders that hang for one reason.

The cause is the one the last diagnosis found; '' stands for orders nobody has looked at yet.
"""

# ruff: noqa: S608

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orders.policies import Limits
from orders.queries.stuck.filters import UNPAID
from orders.queries.stuck.lists import EVERYTHING, ask, fetch

PATTERNS: Final = ("service", "gateway", "method", "city")
BUCKETS: Final = 24


@dataclass(frozen=True, slots=True)
class Case:
    """All that is stuck for one cause. Money in minor units by currency.

    `onset` counts the orders that got into trouble in each 24th of the time from `first` to `last`;
    `patterns[name]` has the values of service, gateway, method, city with their counts, most first.
    """

    cause: str
    count: int
    paid_count: int
    money: Mapping[str, int]
    first: datetime
    last: datetime
    onset: tuple[int, ...]
    patterns: Mapping[str, Sequence[tuple[str, int]]]


def stuck_cases(*, limits: Limits | None = None) -> list[Case]:
    """One case a cause, the one with most orders first. One statement."""
    question = ask(EVERYTHING, as_of=None, limits=limits)
    parts = [_SUMS, _ONSET, *(_pattern(name) for name in PATTERNS)]
    statement = f"WITH {_stuck(question.union())} {' UNION ALL '.join(f'({part})' for part in parts)}"
    rows = fetch(statement, {**question.params, "unpaid": list(UNPAID)})
    causes = dict.fromkeys(row["cause"] for row in rows)
    cases = [_case(cause, [row for row in rows if row["cause"] == cause]) for cause in causes]
    return sorted(cases, key=lambda case: (-case.count, case.cause))


def _stuck(union: str) -> str:
    return (
        "stuck AS MATERIALIZED (SELECT coalesce(d.cause, '') AS cause, u.since, u.amount, u.currency, o.service,"
        " o.method, o.city, coalesce(a.gateway, '') AS gateway, u.order_state <> ALL(%(unpaid)s) AS is_paid"
        f" FROM ({union}) u JOIN orders_order o ON o.id = u.order_id"
        " LEFT JOIN orders_attempt a ON a.id = o.owning_attempt_id"
        " LEFT JOIN orders_diagnosis d ON d.order_id = o.id)"
    )


_SUMS: Final = (
    "SELECT cause, 'sum' AS part, currency::text AS value, count(*) AS count, sum(amount)::bigint AS money,"
    " count(*) FILTER (WHERE is_paid) AS paid_count, min(since) AS first, max(since) AS last"
    " FROM stuck GROUP BY cause, currency"
)
_NOTHING_MORE: Final = "0::bigint, 0::bigint, NULL::timestamptz, NULL::timestamptz"
# The last bucket takes the newest as well; a case of one instant has one bucket.
_ONSET: Final = (
    f"SELECT cause, 'onset', least(width_bucket(at, low, high, {BUCKETS}), {BUCKETS})::text, count(*), {_NOTHING_MORE}"
    " FROM (SELECT cause, extract(epoch FROM since) AS at, extract(epoch FROM min(since) OVER w) AS low,"
    " extract(epoch FROM max(since) OVER w) AS high FROM stuck WINDOW w AS (PARTITION BY cause)) s"
    " WHERE high > low GROUP BY 1, 3"
)


def _pattern(name: str) -> str:
    return f"SELECT cause, 'by {name}', {name}, count(*), {_NOTHING_MORE} FROM stuck GROUP BY 1, 3"


def _case(cause: str, rows: Iterable[Mapping[str, Any]]) -> Case:
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        parts.setdefault(row["part"], []).append(row)
    sums = parts["sum"]
    onset = {int(row["value"]): row["count"] for row in parts.get("onset", [])}
    return Case(
        cause=cause,
        count=sum(row["count"] for row in sums),
        paid_count=sum(row["paid_count"] for row in sums),
        money={row["value"]: row["money"] for row in sums},
        first=min(row["first"] for row in sums),
        last=max(row["last"] for row in sums),
        onset=tuple(onset.get(bucket, 0) for bucket in range(1, BUCKETS + 1)) if onset else (),
        patterns={name: _most_first(parts[f"by {name}"]) for name in PATTERNS},
    )


def _most_first(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    return sorted(((row["value"], row["count"]) for row in rows), key=lambda pair: (-pair[1], pair[0]))
