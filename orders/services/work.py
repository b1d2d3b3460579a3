"""Which rows are work, and who does it."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from orders import crew
from orders.errors import LostLease, Refusal, sentence
from orders.leases import claim, due, put_aside
from orders.models import (
    Attempt,
    DispatchEntry,
    InboundEvent,
    Notice,
    OperatorAction,
    Posting,
    Refund,
    Saga,
    Trip,
)
from orders.models.stateful import Leased
from orders.resilience.breaker import working_on
from orders.services import actions, declared, dispatching, inquiry, judging, notices, posting, refunds, trip_inquiry

logger = logging.getLogger(__name__)

BATCH = 8  # rows taken at a time: all of them are looked at side by side, inside one lease
HINTS = 128  # messages share inquiries, and a transaction; all are asked about inside one lease
LONGEST = 20.0  # seconds one job may go on; RQ ends it at 30


@dataclass(frozen=True)
class Kind:
    """One kind of work: the rows, and what one look at them is."""

    model: type[Leased]
    look: Callable[[Any], None]
    in_batches: bool = False
    without: Sequence[str] = ()  # columns that nobody reads

    @property
    def batch(self) -> int:
        return HINTS if self.in_batches else BATCH


KINDS: dict[str, Kind] = {
    "attempt": Kind(Attempt, inquiry.work),
    "inbound": Kind(InboundEvent, judging.work, in_batches=True, without=("headers", "digest")),
    "saga": Kind(Saga, declared.work),
    "dispatch": Kind(DispatchEntry, dispatching.work),
    "trip": Kind(Trip, trip_inquiry.work),
    "refund": Kind(Refund, refunds.work),
    "posting": Kind(Posting, posting.work),
    "action": Kind(OperatorAction, actions.work),
    "notice": Kind(Notice, notices.work),
}


def add_kind(name: str, kind: Kind) -> None:
    """Work of an app that stands above this one; called when that app is ready."""
    KINDS[name] = kind


def drain(name: str, *, longest: float = LONGEST) -> int:
    """Do the work that is due, until there is none or `longest` seconds are over. How many rows."""
    kind, done = KINDS[name], 0
    until = time.monotonic() + longest
    while time.monotonic() < until:
        rows = claim(kind.model, limit=kind.batch, without=kind.without)
        if not rows:
            break
        _look(kind, rows)
        done += len(rows)
    return done


def _look(kind: Kind, rows: Sequence[Leased]) -> None:
    if kind.in_batches:
        _safely(kind.look, rows, rows)
    else:
        crew.each(lambda row: _look_at_one(kind, row), rows)


def _look_at_one(kind: Kind, row: Leased) -> None:
    with working_on(f"{kind.model.__name__.lower()}:{row.pk}"):
        _safely(kind.look, row, [row])


def _safely(look: Callable[[Any], None], what: Any, rows: Sequence[Leased]) -> None:
    """One bad row never stops the loop: it is put aside for a while, with the reason."""
    try:
        look(what)
    except LostLease as lost:
        logger.info("taken over by another worker: %s", lost)
    except Exception as error:
        level = logging.INFO if isinstance(error, Refusal) else logging.ERROR
        logger.log(level, "%s: %s", rows[0], error, exc_info=level == logging.ERROR)
        put_aside(rows, sentence(error))


def waiting() -> list[str]:
    """The kinds that have work due now: what the ticker rings for. Asked in one statement, many times a second."""
    with connection.cursor() as cursor:
        cursor.execute(*_any_due(tuple((name, kind.model) for name, kind in KINDS.items())))
        found = {name for (name,) in cursor.fetchall()}
    return [name for name in KINDS if name in found]


def waits_since(name: str) -> datetime | None:
    """Since when the oldest row of a kind is due and nobody's."""
    found: datetime | None = due(KINDS[name].model).values_list("due_at", flat=True).first()
    return found


@cache
def _any_due(models: Iterable[tuple[str, type[Leased]]]) -> tuple[str, tuple[Any, ...]]:
    """SQL and its parameters. Django writes it once: writing takes longer than asking."""
    parts, given = [], []
    for name, model in models:
        rows, parameters = due(model).order_by().values("pk").query.sql_with_params()
        parts.append(f"SELECT %s::text WHERE EXISTS ({rows})")
        given += [name, *parameters]
    return " UNION ALL ".join(parts), tuple(given)
