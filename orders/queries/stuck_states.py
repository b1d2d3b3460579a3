"""What is stuck, state by state: for the overview and the gauges."""

# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.policies import Limits
from orders.queries.prepared import fetch_prepared
from orders.queries.stuck.filters import UNPAID
from orders.queries.stuck.lists import EVERYTHING, ask
from orders.queries.stuck.totals import COLUMNS, Totals, summed


@dataclass(frozen=True, slots=True)
class StuckState:
    """All that hangs in one state of one machine; money in minor units by currency."""

    machine: str
    state: str
    count: int
    money: Mapping[str, int]
    oldest_since: datetime


@dataclass(frozen=True, slots=True)
class StuckStates:
    """One line a state, the one with the oldest row first, and all of them together."""

    lines: Sequence[StuckState]
    everything: Totals


_BY_STATE = (
    f"SELECT machine, state, currency, {COLUMNS} FROM ({{union}}) u"
    " GROUP BY machine, state, currency ORDER BY min(since)"
)


def stuck_by_state(*, limits: Limits | None = None) -> StuckStates:
    """What is stuck and not held now, in one query."""
    question = ask(EVERYTHING, as_of=None, limits=limits)
    union = question.union()
    rows = fetch_prepared(_BY_STATE.format(union=union), {**question.params, "never_paid": list(UNPAID)})
    places = dict.fromkeys((row["machine"], row["state"]) for row in rows)
    lines = [_line(place, [row for row in rows if (row["machine"], row["state"]) == place]) for place in places]
    return StuckStates(lines=lines, everything=summed(rows))


def _line(place: tuple[str, str], rows: Sequence[Mapping[str, Any]]) -> StuckState:
    machine, state = place
    found = summed(rows)
    oldest = min(row["oldest"] for row in rows)
    return StuckState(machine=machine, state=state, count=found.count, money=found.money, oldest_since=oldest)
