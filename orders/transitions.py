"""The only code that assigns a state.

A move is one conditional UPDATE: it finds the row in the state and version the caller saw or it
finds nothing. The trigger (orders/sql/history.sql) checks the edge again and writes the history
row in the same transaction, so neither can be forgotten.

Lock order, to be kept by all callers: order, attempt, refund, saga, step, dispatch, posting.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from orders import sets
from orders.context import act_as
from orders.errors import IllegalEdge, StaleState
from orders.models import Order
from orders.models.stateful import Stateful

Row = TypeVar("Row", bound=Stateful)


def move(
    row: Stateful,
    verb: str,
    *,
    actor: str,
    reason: str = "",
    at: datetime | None = None,
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move `row` along `verb`, setting `changes` with it. Call inside a transaction.

    `at` is when it happened in the world (default: now, by the database's clock). Raises
    IllegalEdge where the table has no such edge, StaleState where the row is no longer as the
    caller saw it; in both cases nothing is written.
    """
    target = row.machine.target(row.state, verb)
    if target is None:
        raise IllegalEdge(subject=str(row), state=row.state, verb=verb)
    act_as(actor, verb=verb, reason=reason, detail=detail)
    written = dict(changes, state=target)
    if at is not None:
        written["entered_at"] = at
    _write(row, written)
    row.version += 1
    row.entered_at = at or timezone.now()


def _write(row: Stateful, written: Mapping[str, Any]) -> None:
    manager = type(row)._base_manager
    as_seen = manager.filter(pk=row.pk, state=row.state, version=row.version)
    if not as_seen.update(**written):
        found = manager.values_list("state", flat=True).get(pk=row.pk)
        raise StaleState(subject=str(row), expected=row.state, found=found)
    for name, value in written.items():
        setattr(row, name, value)


@dataclass(frozen=True, slots=True)
class Move:
    """One row's part of `move_all`; the arguments of `move`."""

    row: Stateful
    verb: str
    actor: str
    reason: str = ""
    at: datetime | None = None
    detail: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> tuple[type[Stateful], str, str, str, str]:
        """What the triggers are told once for all rows of a statement."""
        detail = json.dumps(self.detail, sort_keys=True) if self.detail else ""
        return type(self.row), self.actor, self.verb, self.reason, detail


def move_all(moves: Iterable[Move]) -> None:
    """Move many rows: one statement for all that share model, actor, verb, reason and detail.

    Lock the rows before (`lock_all`). All or nothing with the transaction: raises IllegalEdge or
    StaleState for the first row that cannot move, as `move` does.
    """
    alike: dict[object, list[Move]] = defaultdict(list)
    for each in moves:
        _target(each)
        alike[each.context].append(each)
    for group in alike.values():
        _move_alike(group)


def _target(one: Move) -> str:
    target = one.row.machine.target(one.row.state, one.verb)
    if target is None:
        raise IllegalEdge(subject=str(one.row), state=one.row.state, verb=one.verb)
    return target


def _move_alike(moves: Sequence[Move]) -> None:
    first = moves[0]
    act_as(first.actor, verb=first.verb, reason=first.reason, detail=first.detail)
    written = sets.write(type(first.row), map(_change, moves))
    for each in moves:
        if each.row.pk not in written:
            found = type(each.row)._base_manager.values_list("state", flat=True).get(pk=each.row.pk)
            raise StaleState(subject=str(each.row), expected=each.row.state, found=found)
        _now_is(each)


def _change(one: Move) -> sets.Change:
    """A time of entry that stays as it was is set by the trigger, as with `move`."""
    row = one.row
    values = {**one.changes, "state": _target(one), "entered_at": one.at or row.entered_at}
    return sets.Change(row.pk, values, seen={"state": row.state, "version": row.version})


def _now_is(one: Move) -> None:
    for name, value in {**one.changes, "state": _target(one)}.items():
        setattr(one.row, name, value)
    one.row.version += 1
    one.row.entered_at = one.at or timezone.now()


def lock(row: Row) -> Row:
    """`row` as it is now, locked until the transaction ends."""
    return type(row)._base_manager.select_for_update(of=("self",), no_key=True).get(pk=row.pk)


def lock_all(model: type[Row], ids: Iterable[int], *, only: Sequence[str] = ()) -> dict[int, Row]:
    """Those rows as they are now, by id, locked in the order of their ids; `only` the columns somebody reads.

    Rows that refer to them may still be inserted meanwhile: a callback is stored while the ones
    before it are applied.
    """
    rows = _locked(model, ids)
    return {row.pk: row for row in (rows.only(*only) if only else rows)}


def _locked(model: type[Row], ids: Iterable[int]) -> QuerySet[Row]:
    rows = model._base_manager.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk__in=set(ids)).order_by("pk")


def lock_again(rows: Iterable[Row], *, tells: Sequence[str]) -> dict[int, Row]:
    """Rows of one model as they are now, by id, locked in the order of their ids.

    Those that are as they were read are given back as they are, the others are read anew. Whether a row
    has changed is told by its state, its version and the columns that `tells` names.
    """
    read = {row.pk: row for row in rows}
    if not read:
        return {}
    model, names = type(next(iter(read.values()))), ("state", "version", *tells)
    known = attrgetter(*names)
    now = {pk: tuple(rest) for pk, *rest in _locked(model, read).values_list("pk", *names)}
    changed = [pk for pk, told in now.items() if known(read[pk]) != told]
    return {pk: read[pk] for pk in now} | (lock_all(model, changed) if changed else {})


def record(
    order: Order | None,
    verb: str,
    *,
    actor: str,
    reason: str = "",
    subject: Stateful | None = None,
    at: datetime | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append a fact that changes no state (a note, a hold, an anomaly) to the order's history."""
    act_as(actor, verb=verb, reason=reason, detail=detail)
    of = subject or order
    name, key, state = (of.machine.name, of.pk, of.state) if of else ("inbound", 0, "")
    values = (
        order.pk if order else 0,
        name,
        key,
        verb,
        state,
        state,
        at or timezone.now(),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT opsconsole_record(%s, %s, %s, %s, %s, %s, %s)", values)
