"""What is stuck, state by state: for the overview and the gauges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.policies import Limits
from orders.queries.stuck.lists import EVERYTHING, ask, fetch, with_tables


@dataclass(frozen=True, slots=True)
class StuckState:
    """All that hangs in one state of one machine; money in minor units by currency."""

    machine: str
    state: str
    count: int
    money: Mapping[str, int]
    oldest_since: datetime


_BY_STATE = (
    "SELECT machine, state, currency, count(*) AS count, sum(amount)::bigint AS money, min(since) AS oldest"
    " FROM ({union}) u GROUP BY machine, state, currency ORDER BY min(since)"
)


def stuck_by_state(*, limits: Limits | None = None) -> Sequence[StuckState]:
    """One line a state, the one with the oldest row first."""
    question = ask(EVERYTHING, as_of=None, limits=limits)
    union = question.union()
    rows = fetch(f"{with_tables(question)} {_BY_STATE.format(union=union)}", question.params)
    places = dict.fromkeys((row["machine"], row["state"]) for row in rows)
    return [_line(place, [row for row in rows if (row["machine"], row["state"]) == place]) for place in places]


def _line(place: tuple[str, str], rows: list[dict[str, object]]) -> StuckState:
    machine, state = place
    return StuckState(
        machine=machine,
        state=state,
        count=sum(int(str(row["count"])) for row in rows),
        money={str(row["currency"]): int(str(row["money"])) for row in rows},
        oldest_since=min(row["oldest"] for row in rows if isinstance(row["oldest"], datetime)),
    )
