"""Orders that hung and came free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.policies import Limits
from orders.queries.stuck.arms import MACHINES
from orders.queries.stuck.around import stuck_among
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import fetch


@dataclass(frozen=True, slots=True)
class Recovered:
    """Orders that came free in a window, and how many of them a person had acted on."""

    count: int
    by_hand: int


# Imports tell of long ago: nothing came free by them. Machines whose clock starts at birth count
# from their first row, the others from the change before.
_LEFT_LATE = """
SELECT h.order_id, bool_or(h.actor LIKE 'user:%%' OR EXISTS (
           SELECT FROM orders_operatoraction a WHERE a.order_id = h.order_id AND a.created_at >= start.at)) AS by_hand
FROM orders_history h
JOIN orders_order o ON o.id = h.order_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN h.machine = ANY(%(from_birth)s) THEN min(p.occurred_at) ELSE max(p.occurred_at) END AS at
    FROM orders_history p
    WHERE p.order_id = h.order_id AND p.machine = h.machine AND p.subject_id = h.subject_id
      AND p.seq < h.seq AND p.source <> p.target) start
LEFT JOIN (VALUES {limits}) own(machine, state, service, span)
    ON (own.machine, own.state, own.service) = (h.machine, h.source, o.service)
LEFT JOIN (VALUES {limits}) common(machine, state, service, span)
    ON (common.machine, common.state, common.service) = (h.machine, h.source, '')
WHERE h.recorded_at > %(after)s AND h.recorded_at <= %(until)s
  AND h.source <> '' AND h.source <> h.target AND h.actor NOT LIKE 'import:%%'
  AND h.occurred_at - start.at >= coalesce(own.span, common.span)
GROUP BY h.order_id
"""


def recovered(*, after: datetime, until: datetime, limits: Limits | None = None) -> Recovered:
    """What left a state past its limit in (after, until], by the time we wrote it down, and hangs no more."""
    known = limits or limits_in_force()
    rows, params = _values(known)
    params.update(after=after, until=until, from_birth=_from_birth())
    left = {row["order_id"]: row["by_hand"] for row in fetch(_LEFT_LATE.format(limits=rows), params)}
    for row in stuck_among(list(left), limits=known) if left else ():
        del left[row.order_id]
    return Recovered(count=len(left), by_hand=sum(left.values()))


def _from_birth() -> Sequence[str]:
    return [machine for machine, clocked in MACHINES.items() if clocked.since == "created_at"]


def _values(limits: Limits) -> tuple[str, dict[str, Any]]:
    rows, params = [], {}
    for number, ((machine, state, service), span) in enumerate(limits.of.items()):
        params[f"span_{number}"] = span
        rows.append(f"('{machine}', '{state}', '{service}', %(span_{number})s::interval)")
    return ", ".join(rows), params
