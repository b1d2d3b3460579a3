"""Stuck orders grouped by their cause: one line for a thousand orders that hang for one reason.

The cause is the one the last diagnosis found; '' stands for orders nobody has looked at yet.
"""

# ruff: noqa: S608

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from orders.policies import Limits
from orders.queries.prepared import fetch_prepared
from orders.queries.stuck.arms import OF_ORDER, Question
from orders.queries.stuck.filters import UNPAID
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import EVERYTHING

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
    question = Question(EVERYTHING, limits or limits_in_force(), timezone.now(), of_order=OF_ORDER)
    parts = [_SUMS, _ONSET, *(_pattern(name) for name in PATTERNS)]
    statement = f"WITH {_stuck(question.union())}, {_GROUPS} {' UNION ALL '.join(f'({part})' for part in parts)}"
    rows = fetch_prepared(statement, {**question.params, "unpaid": list(UNPAID)})
    causes = dict.fromkeys(row["cause"] for row in rows)
    cases = [_case(cause, [row for row in rows if row["cause"] == cause]) for cause in causes]
    return sorted(cases, key=lambda case: (-case.count, case.cause))


def _stuck(union: str) -> str:
    return (
        "stuck AS MATERIALIZED (SELECT coalesce(d.cause, '') AS cause, u.since, u.amount, u.currency, u.service,"
        " u.method, u.city, coalesce(a.gateway, '') AS gateway, u.order_state <> ALL(%(unpaid)s) AS is_paid"
        f" FROM ({union}) u LEFT JOIN orders_attempt a ON a.id = u.owning_attempt_id"
        " LEFT JOIN orders_diagnosis d ON d.order_id = u.order_id)"
    )


# What is alike, put together once: all sums are sums of these few lines.
_GROUPS: Final = (
    "groups AS MATERIALIZED (SELECT cause, currency, service, method, city, gateway, is_paid, count(*) AS count,"
    " sum(amount) AS money, min(since) AS first, max(since) AS last FROM stuck GROUP BY 1, 2, 3, 4, 5, 6, 7)"
)
_SUMS: Final = (
    "SELECT cause, 'sum' AS part, currency::text AS value, sum(count)::bigint AS count, sum(money)::bigint AS money,"
    " coalesce(sum(count) FILTER (WHERE is_paid), 0)::bigint AS paid_count, min(first) AS first, max(last) AS last"
    " FROM groups GROUP BY cause, currency"
)
_NOTHING_MORE: Final = "0::bigint, 0::bigint, NULL::timestamptz, NULL::timestamptz"
# The last bucket takes the newest as well; a case of one instant has one bucket.
_ONSET: Final = (
    "SELECT cause, 'onset',"
    f" least(width_bucket(date_part('epoch', since), low, high, {BUCKETS}), {BUCKETS})::text, count(*), {_NOTHING_MORE}"
    " FROM stuck JOIN (SELECT cause, date_part('epoch', min(first)) AS low, date_part('epoch', max(last)) AS high"
    " FROM groups GROUP BY cause) span USING (cause) WHERE high > low GROUP BY 1, 3"
)


def _pattern(name: str) -> str:
    return f"SELECT cause, 'by {name}', {name}, sum(count)::bigint, {_NOTHING_MORE} FROM groups GROUP BY 1, 3"


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
