"""The whole history against itself, the tables and the anchors, in constant memory.

Three streams sorted by order (history rows, heads, states of rows) are merged from server-side
cursors of one snapshot, so that traffic may go on meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg
from django.conf import settings
from django.db import connection, transaction

from orders.models import Order
from orders.services.verification.anchors import AnchorFiles, Checked, noted_end
from orders.services.verification.breaks import Break, Kind
from orders.services.verification.chains import Head, Known, Row, State, check_head, check_rows
from orders.states import MACHINES, SILENT

T = TypeVar("T", Row, Head, State)

_ROWS = """
SELECT order_id, seq, machine, subject_id, verb, source, target, actor, reason, detail::text,
       (extract(epoch FROM occurred_at) * 1000000)::bigint,
       (extract(epoch FROM recorded_at) * 1000000)::bigint, mac, id
FROM orders_history ORDER BY order_id, seq
"""
_HEADS = "SELECT order_id, seq, mac FROM orders_chainhead ORDER BY order_id"
_STATES = """
SELECT id AS order_id, 'order' AS machine, id, state FROM orders_order
UNION ALL SELECT order_id, 'attempt', id, state FROM orders_attempt
UNION ALL SELECT order_id, 'refund', id, state FROM orders_refund
UNION ALL SELECT order_id, 'saga', id, state FROM orders_saga
UNION ALL SELECT order_id, 'step', id, state FROM orders_step
UNION ALL SELECT order_id, 'dispatch', id, state FROM orders_dispatchentry
UNION ALL SELECT order_id, 'posting', id, state FROM orders_posting
UNION ALL SELECT coalesce(order_id, 0), 'inbound', id, state FROM orders_inboundevent
UNION ALL SELECT coalesce(order_id, 0), 'letter', id, state FROM orders_deadletter
UNION ALL SELECT coalesce(order_id, 0), 'notice', id, state FROM orders_notice
ORDER BY 1, 2, 3
"""
_CHUNK = 5000


@dataclass
class Verdict:
    """What was read, and the first break of each broken chain."""

    chains: int = 0
    rows: int = 0
    anchored: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        return not self.breaks


def verify_history(*, folder: Path | None = None, key: bytes | None = None) -> Verdict:
    """Check everything. The anchor files are read first: nothing in them may be newer than the snapshot."""
    files = AnchorFiles(folder, key=key)
    checked = files.check()
    verdict = Verdict()
    with _snapshot():
        found = _broken_anchors(checked)
        for each in _check_chains(verdict, key=key or settings.CHAIN_KEY):
            found.setdefault(each.order_id, each)
        for each in _check_anchors(verdict, files, checked):
            _take_earlier(found, each)
    verdict.breaks = _named(found.values())
    return verdict


@contextmanager
def _snapshot() -> Iterator[None]:
    """One state of the database for all that is read. Inside a caller's transaction, that one's."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _check_chains(verdict: Verdict, *, key: bytes) -> Iterator[Break]:
    orphans: Known = {}
    streams = (_stream(_ROWS, Row), _stream(_HEADS, Head), _stream(_STATES, State))
    for order_id, (rows, heads, states) in _merged(*streams):
        counted = _counted(rows, verdict)
        found, last, known = check_rows(counted, key=key)
        head = next(heads, None)
        verdict.chains += last is not None
        if order_id == 0:
            orphans = known
        found = found or check_head(order_id, head, last) or _without_history(order_id, last)
        found = found or _check_states(states, known, orphans)
        if found:
            yield found


def _counted(rows: Iterator[Row], verdict: Verdict) -> Iterator[Row]:
    for row in rows:
        verdict.rows += 1
        yield row


def _without_history(order_id: int, last: Row | None) -> Break | None:
    """Everything of an order begins with the history row of its birth."""
    return Break(Kind.NO_HISTORY, order_id, 1) if last is None and order_id else None


def _check_states(states: Iterable[State], known: Known, orphans: Known) -> Break | None:
    for row in states:
        told = max(filter(None, (tell.get(row[1:3]) for tell in (known, orphans))), default=None)
        if told is None and row.machine in SILENT and row.state in MACHINES[row.machine].births:
            continue  # its own record until something happens to it
        if told is None or told[1] != row.state:
            facts = {"machine": row.machine, "subject": row.subject_id, "state": row.state}
            return Break(Kind.STATE_CHANGED, row.order_id, facts={**facts, "known": told[1] if told else "-"})
    return None


def _merged(
    rows: Iterable[Row], heads: Iterable[Head], states: Iterable[State]
) -> Iterator[tuple[int, tuple[Iterator[Row], Iterator[Head], Iterator[State]]]]:
    """By order: its rows, its head, its states. Each stream is sorted by order."""
    streams: tuple[_Groups[Row], _Groups[Head], _Groups[State]] = (_Groups(rows), _Groups(heads), _Groups(states))
    while (order_id := min(stream.next_id for stream in streams)) < _OVER:
        yield order_id, (streams[0].of(order_id), streams[1].of(order_id), streams[2].of(order_id))
        for stream in streams:
            stream.leave(order_id)


_OVER = 1 << 63  # greater than any id


class _Groups(Generic[T]):
    """A stream sorted by order, one order at a time."""

    next_id: int
    _group: Iterator[T]

    def __init__(self, items: Iterable[T]) -> None:
        self._groups: Iterator[tuple[int, Iterator[T]]] = groupby(items, key=lambda item: item.order_id)
        self.next_id, self._group = self._next()

    def _next(self) -> tuple[int, Iterator[T]]:
        nothing: tuple[int, Iterator[T]] = (_OVER, iter(()))
        return next(self._groups, nothing)

    def of(self, order_id: int) -> Iterator[T]:
        """The items of this order."""
        return self._group if self.next_id == order_id else iter(())

    def leave(self, order_id: int) -> None:
        """Go on to the next order; what was not read of this one is passed over."""
        if self.next_id == order_id:
            self.next_id, self._group = self._next()


def _stream(statement: str, shape: Callable[..., T]) -> Iterator[T]:
    connection.ensure_connection()
    raw: Any = connection.connection
    with psycopg.ServerCursor(raw, f"verify_{shape.__name__}") as cursor:
        cursor.itersize = _CHUNK
        cursor.execute(statement)
        for found in cursor:
            yield shape(*found)


def _broken_anchors(checked: Checked) -> dict[int | None, Break]:
    if checked.broken:
        return {None: checked.broken}
    if noted_end().lines > checked.end.lines:
        return {None: Break(Kind.ANCHOR_MISSING, facts={"line": checked.end.lines + 1})}
    return {}


_UNLIKE = """
SELECT a.order_id, min(a.seq) FROM anchored a
LEFT JOIN orders_history h ON h.order_id = a.order_id AND h.seq = a.seq
WHERE encode(h.mac, 'hex') IS DISTINCT FROM a.mac
GROUP BY a.order_id ORDER BY a.order_id
"""


def _check_anchors(verdict: Verdict, files: AnchorFiles, checked: Checked) -> Iterator[Break]:
    """Anchored rows that are gone or are not the same any more."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE anchored (order_id bigint, seq integer, mac text) ON COMMIT DROP")
        with cursor.copy("COPY anchored FROM STDIN") as copy:
            for head in files.heads(checked.sound):
                copy.write_row(head)
                verdict.anchored += 1
        cursor.execute("ANALYZE anchored")
        cursor.execute(_UNLIKE)
        unlike = cursor.fetchall()
        cursor.execute("DROP TABLE anchored")
    for order_id, seq in unlike:
        yield Break(Kind.REWRITTEN, order_id, seq)


def _take_earlier(found: dict[int | None, Break], each: Break) -> None:
    """An anchor that differs tells nothing new of a chain that is broken at or before that row."""
    known = found.get(each.order_id)
    if known is None or known.seq is None or (each.seq or 0) < known.seq:
        found[each.order_id] = each


def _named(breaks: Iterable[Break]) -> list[Break]:
    """With the ids people know, in the order of the orders; the anchor files first."""
    kept = sorted(breaks, key=lambda each: -1 if each.order_id is None else each.order_id)
    ids = [each.order_id for each in kept if each.order_id]
    names = dict(Order.objects.filter(pk__in=ids).values_list("pk", "public_id"))
    return [Break(each.kind, each.order_id, each.seq, names.get(each.order_id or 0, ""), each.facts) for each in kept]
