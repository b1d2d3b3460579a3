"""Taking a piece of work, and giving it back only while it is still ours.

PostgreSQL is the queue: a row with `due_at` in the past and no live lease is work. A lease lasts
longer than the longest call it covers, and shorter than a customer's patience: a killed worker is
replaced when its lease runs out (issue: within 15 s).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from orders import ladders, sets
from orders.errors import LostLease
from orders.models.stateful import Leased

Work = TypeVar("Work", bound=Leased)

OTHERS: Final = 5.0  # seconds for another worker's look at a row, longer than most calls
LOOK_EVERY: Final = 0.1


def due(model: type[Work]) -> models.QuerySet[Work]:
    """Rows of `model` that wait for a worker now, oldest first."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    return model._base_manager.filter(free, due_at__lte=Now()).order_by("due_at")


def claim(
    model: type[Work], *, limit: int, lease: timedelta | None = None, without: Sequence[str] = ()
) -> Sequence[Work]:
    """Take up to `limit` due rows, `without` columns nobody reads. Two workers never get the same row while its lease
    lives."""
    return sorted(_take_all(due(model)[:limit], lease, without=without), key=lambda row: (row.due_at, row.pk))


def claim_one(row: Work, *, lease: timedelta | None = None) -> Work | None:
    """Take this row whether or not it is due, or None while somebody else holds it."""
    model = type(row)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    if not _take(model._base_manager.filter(free, pk=row.pk), lease):
        return None
    return model._base_manager.get(pk=row.pk)


def claim_in_turn(row: Work, *, until: float) -> Work | None:
    """Take this row as soon as nobody else holds it; None where somebody still does at `until`, by `time.monotonic`.

    For whoever wants to say what became of it: another worker, rung for by the same wish, may be at it. No transaction
    may be open.
    """
    while (mine := claim_one(row)) is None and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
    return mine


def claim_each(model: type[Work], ids: Iterable[int], *, lease: timedelta | None = None) -> Sequence[Work]:
    """Take those of the rows that nobody holds, whether or not they are due."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    rows = model._base_manager.filter(free, pk__in=set(ids)).order_by("pk")
    return sorted(_take_all(rows, lease), key=attrgetter("pk"))


# Materialized, so that the rows are looked for, and locked, once.
_TAKE: Final = """
WITH free (id) AS MATERIALIZED ({free})
UPDATE {table} AS t SET token = t.token + 1, tries = t.tries + 1, lease_until = statement_timestamp() + %s
FROM free WHERE t.id = free.id RETURNING {columns}
"""


@transaction.atomic
def _take_all(rows: models.QuerySet[Work], lease: timedelta | None, *, without: Sequence[str] = ()) -> Sequence[Work]:
    """Lock, take and read those of `rows` that nobody else is at, in one statement."""
    model, options = rows.model, rows.model._meta  # noqa: SLF001 - documented by Django
    found = rows.select_for_update(skip_locked=True, no_key=True).values("pk")
    try:
        free, values = found.query.sql_with_params()
    except EmptyResultSet:
        return []
    columns = ", ".join(f't."{field.column}"' for field in options.concrete_fields if field.name not in without)
    statement = _TAKE.format(free=free, table=options.db_table, columns=columns)
    return list(model._base_manager.raw(statement, [*values, lease or settings.LEASE]))


def _take(rows: models.QuerySet[Work], lease: timedelta | None) -> int:
    until = Now() + (lease or settings.LEASE)
    return rows.update(token=F("token") + 1, tries=F("tries") + 1, lease_until=until)


def finish(row: Work, *, due_at: datetime | None, **changes: Any) -> None:
    """Give the row back: next look at `due_at`, None for never. Raises LostLease."""
    mine = type(row)._base_manager.filter(pk=row.pk, token=row.token)
    if not mine.update(lease_until=None, due_at=due_at, **changes):
        raise LostLease(str(row))
    for name, value in {"lease_until": None, "due_at": due_at, **changes}.items():
        setattr(row, name, value)


@dataclass(frozen=True, slots=True)
class End:
    """One row's part of `finish_all`; the arguments of `finish`."""

    row: Leased
    due_at: datetime | None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        return {"lease_until": None, "due_at": self.due_at, **self.changes}


def finish_all(ends: Iterable[End]) -> set[int]:
    """Give many rows of one model back; the ids of those that were still ours, the rest is untouched."""
    ends = list(ends)
    if not ends:
        return set()
    changes = [sets.Change(end.row.pk, end.values, seen={"token": end.row.token}) for end in ends]
    written = sets.write(type(ends[0].row), changes)
    for end in ends:
        for name, value in end.values.items() if end.row.pk in written else ():
            setattr(end.row, name, value)
    return written


def put_aside(rows: Iterable[Leased], why: str) -> None:
    """Give back what could not be done, for a later look, with the reason. Lost leases do not matter."""
    for row in rows:
        finish_all([End(row, ladders.rung(ladders.UNKNOWN_ATTEMPT, row.tries), {"last_error": why})])


def renew(row: Work, *, lease: timedelta | None = None) -> None:
    """More time, before another long call. Raises LostLease."""
    mine = type(row)._base_manager.filter(pk=row.pk, token=row.token)
    if not mine.update(lease_until=Now() + (lease or settings.LEASE)):
        raise LostLease(str(row))


def hold(row: Work) -> None:
    """Lock the row for this transaction and make sure it is still ours. Raises LostLease."""
    mine = type(row)._base_manager.select_for_update(of=("self",), no_key=True)
    if not mine.filter(pk=row.pk, token=row.token).exists():
        raise LostLease(str(row))


def after(seconds: float) -> datetime:
    """The instant `seconds` from now."""
    return timezone.now() + timedelta(seconds=seconds)
