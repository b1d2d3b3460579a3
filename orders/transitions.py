"""The only code that assigns a state.

A move is one conditional UPDATE: it finds the row in the state and version the caller saw or it
finds nothing. The trigger (orders/sql/history.sql) checks the edge again and writes the history
row in the same transaction, so neither can be forgotten.

Lock order, to be kept by all callers: order, attempt, refund, saga, step, dispatch, posting.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

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


def lock(row: Row) -> Row:
    """`row` as it is now, locked until the transaction ends."""
    return type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)


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
