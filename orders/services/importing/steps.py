"""The way of one batch through the state machines, edge by edge, set by set.

Every statement goes through the same tables and triggers as live traffic: the guard checks each
edge and the history gets each row. Only the times differ: each edge carries the time of its fact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

import orders
from orders.context import act_as
from orders.services.importing.mapping import PAYMENT_STATES
from orders.states import ATTEMPT, ORDER, AttemptState, OrderState, OrderVerb

SQL = Path(orders.__file__).parent / "sql" / "import"
ORDER_TABLE, ATTEMPT_TABLE = "orders_order", "orders_attempt"


@dataclass(frozen=True)
class Stride:
    """One edge, or several with one verb, that a set of orders takes together."""

    verb: str
    target: str
    sources: tuple[str, ...]
    rung: int = 0  # 1 paid, 2 booking, 3 active, 4 completed; 0 leaves the ladder


def _stride(verb: OrderVerb, *, rung: int = 0, avoid: tuple[str, ...] = ()) -> Stride:
    edges = [edge for edge in ORDER.edges.items() if edge[0][1] == verb]
    sources = tuple(str(source) for (source, _verb), _target in edges if source not in avoid)
    return Stride(str(verb), str(edges[0][1]), sources, rung)


LADDER = (
    _stride(OrderVerb.PAY, rung=1),
    # An order queued for dispatch is already past this rung.
    _stride(OrderVerb.BOOK, rung=2, avoid=(OrderState.QUEUED_FOR_DISPATCH,)),
    _stride(OrderVerb.CONFIRM, rung=3),
    _stride(OrderVerb.COMPLETE, rung=4),
)
ENDINGS = tuple(
    _stride(verb)
    for verb in (
        OrderVerb.OPEN_LINK,
        OrderVerb.QUEUE,
        OrderVerb.CANCEL,
        OrderVerb.ANNUL,
        OrderVerb.FAIL,
        OrderVerb.EXPIRE,
    )
)
# How the time of an edge is known, for its row in the history: by a column, or only by its
# neighbours (the next fact for a state that was passed, the last fact for a final state).
_KNOWN: Mapping[bool, Mapping[str, str] | None] = {True: None, False: {"time": "not stated"}}


def run_sql(name: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run `orders/sql/import/<name>.sql`; the rows of its last statement, if that has any."""
    with connection.cursor() as cursor:
        cursor.execute((SQL / f"{name}.sql").read_text(), params)
        return list(cursor.fetchall()) if cursor.description else []


@dataclass(frozen=True)
class Batch:
    """One batch; `take_in` runs inside a transaction."""

    number: int
    actor: str
    file: str

    def take_in(self) -> int:
        """Write everything the batch tells. Returns how many remarks were new."""
        self._act("create")
        run_sql("orders", {"batch": self.number, "file": self.file})
        run_sql("attempts", {"batch": self.number})
        self._move_attempts()
        run_sql("money", {"batch": self.number})
        run_sql("walk", {"batch": self.number})
        self._move_orders()
        run_sql("remarks", {"batch": self.number})
        run_sql("contradictions", {"batch": self.number})
        self._act("anomaly")
        written = run_sql("remember")[0][0]
        run_sql("keep", {"batch": self.number})
        return int(written)

    def _move_orders(self) -> None:
        goals = {goal for (goal,) in _rows("SELECT DISTINCT goal FROM import_walk")}
        for stride in LADDER:
            for sure in (True, False):
                self._take(stride, "rung", sure=sure)
        for stride in ENDINGS:
            for sure in (True, False) if stride.target in goals else ():
                self._take(stride, "ending", sure=sure)

    def _take(self, stride: Stride, chooser: str, *, sure: bool) -> None:
        choice = {"rung": stride.rung, "target": stride.target, "sure": sure}
        run_sql(chooser, {**choice, "sources": list(stride.sources)})
        self._act(stride.verb, detail=_KNOWN[sure])
        _move_chosen(ORDER_TABLE, stride.target)

    def _move_attempts(self) -> None:
        for source, goal in _rows(
            "SELECT DISTINCT a.state, p.status FROM import_payment p"
            " JOIN orders_attempt a ON a.id = p.attempt_id"
            " WHERE p.batch = %s AND p.refused IS NULL AND a.state <> p.status",
            [self.number],
        ):
            run_sql("payment_step", {"batch": self.number, "source": source, "goal": goal})
            for verb, target in attempt_path(source, goal):
                self._act(verb)
                _move_chosen(ATTEMPT_TABLE, target)

    def _act(self, verb: str, detail: Mapping[str, str] | None = None) -> None:
        act_as(self.actor, verb=verb, detail=detail, quiet=True)


def _rows(statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def _move_chosen(table: str, target: str) -> None:
    """Move the rows of `import_step` to `target`, each at its own time.

    The guard reads an unchanged `entered_at` as "now". Two edges at one instant are common in
    files, so such a row first steps back a microsecond: no change of state, no history.
    """
    step_back = f"UPDATE {table} t SET entered_at = i.at - interval '1 microsecond'"  # noqa: S608
    move = f"UPDATE {table} t SET state = %s, entered_at = i.at"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"{step_back} FROM import_step i WHERE t.id = i.id AND t.entered_at = i.at")
        cursor.execute(f"{move} FROM import_step i WHERE t.id = i.id", [target])


def attempt_path(source: str, goal: str) -> tuple[tuple[str, str], ...]:
    """The edges from `source` to `goal` of an attempt, or none where a later file goes back."""
    straight = ATTEMPT.edges.items()
    for (start, verb), target in straight:
        if start == source and target == goal:
            return ((str(verb), str(target)),)
    if source != AttemptState.REQUESTED or goal not in PAYMENT_STATES:
        return ()
    sent = ATTEMPT.edges[AttemptState.REQUESTED, "send"]
    return (("send", str(sent)), *attempt_path(sent, goal))
