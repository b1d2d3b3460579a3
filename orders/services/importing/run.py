"""The import as a whole: stage both files, sort out, take in batch by batch, report."""

import csv
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext as _

from orders.services.importing.mapping import ImportMapping
from orders.services.importing.rows import (
    ORDER_FIELDS,
    PAYMENT_FIELDS,
    Reader,
    Unreadable,
)
from orders.services.importing.sheets import Line, Sheet, open_sheet
from orders.services.importing.steps import Batch, run_sql

BATCH = 2000  # orders in one transaction: about two seconds, one tick of the progress bar
_LOCK = 0x1A9047  # advisory lock: one import at a time
_TABLES = "import_order, import_payment, import_walk, import_step, import_remark"
_FUNCTIONS = "pg_temp.import_iso(timestamptz), pg_temp.import_fact(bigint, text, timestamptz, jsonb)"
Progress = Callable[[int, int], None]


class ImportRefused(Exception):
    """The import as a whole cannot run now. `str(error)` is one sentence."""


class Unread(NamedTuple):
    """One record that could not be taken in: where it begins, why not, and how it came."""

    file: str
    row: int
    reason: str
    line: str


@dataclass(frozen=True)
class Summary:
    """What came of an import. Counts are orders unless they say otherwise."""

    new: int
    changed: int
    unchanged: int
    new_payments: int
    known_payments: int
    anomalies: int
    unread: tuple[Unread, ...]
    seconds: float


def import_orders(
    *,
    orders: Path,
    payments: Path,
    mapping: ImportMapping,
    currency: str,
    progress: Progress = lambda done, total: None,
) -> Summary:
    """Take in both files. What could not be read is in the answer, and stops nothing else.

    1. Both headers are checked before anything is written. 2. Readable rows are copied into
    temporary tables. 3. Repeats, orphans and foreign currencies are sorted out. 4. Each batch is
    one transaction, so that an import that was cut off is simply run again.
    Raises SheetRefused or ImportRefused with nothing written.
    """
    started = time.monotonic()
    with (
        open_sheet(orders, mapping.orders) as order_sheet,
        open_sheet(payments, mapping.payments) as payment_sheet,
        _staging(),
    ):
        unread = _stage_orders(order_sheet, mapping, currency)
        unread += _stage_payments(payment_sheet, mapping, currency)
        run_sql("sort_out", {"size": BATCH, **_reasons()})
        anomalies = _take_in(orders.name, progress)
        unread += _refused(orders.name, "import_order") + _refused(payments.name, "import_payment")
        counts = _counts()
    _tell_the_planner()
    seconds = time.monotonic() - started
    return Summary(*counts, anomalies=anomalies, unread=tuple(unread), seconds=seconds)


def _tell_the_planner() -> None:
    """A table that has just grown a hundredfold is read wrongly until PostgreSQL has looked at it again."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders_order, orders_attempt, orders_ledgerentry, orders_history")


@contextmanager
def _staging() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportRefused(_("Another import is running; wait for it to end."))
    try:
        run_sql("stage")
        yield
    finally:
        _clear_up()


def _clear_up() -> None:
    """Leave the session as it was. In a broken transaction the rollback does that."""
    if connection.needs_rollback:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLES}")
        cursor.execute(f"DROP FUNCTION IF EXISTS {_FUNCTIONS}")
        cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _stage_orders(sheet: Sheet, mapping: ImportMapping, currency: str) -> list[Unread]:
    reader = Reader(mapping, currency, sheet.place)
    return _copy(sheet, table="import_order", fields=ORDER_FIELDS, read=reader.order)


def _stage_payments(sheet: Sheet, mapping: ImportMapping, currency: str) -> list[Unread]:
    reader = Reader(mapping, currency, sheet.place)
    return _copy(sheet, table="import_payment", fields=PAYMENT_FIELDS, read=reader.payment)


def _copy(
    sheet: Sheet,
    *,
    table: str,
    fields: tuple[str, ...],
    read: Callable[[list[str]], tuple[Any, ...]],
) -> list[Unread]:
    unread: list[Unread] = []
    statement = f"COPY {table} (line, raw, {', '.join(fields)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in sheet.lines:
            try:
                copy.write_row((line.number, line.raw, *read(_cells(line))))
            except Unreadable as error:
                unread.append(Unread(sheet.name, line.number, str(error), line.raw))
    return unread


def _cells(line: Line) -> list[str]:
    if line.cells is None:
        raise Unreadable(line.reason)
    if "\0" in line.raw:
        raise Unreadable(_("it has a NUL character"))
    return line.cells


def _reasons() -> dict[str, str]:
    """Sentences for PostgreSQL's format(), which puts the numbers and names in."""
    return {
        "repeats": _("it repeats line %(line)s") % {"line": "%s"},
        "orphan": _("neither the file nor the database has its order %(order)s") % {"order": "%s"},
        "currency": _("it is in %(currency)s, its order in %(other)s") % {"currency": "%1$s", "other": "%2$s"},
        "ours": _("an order of this platform has this id"),
        "taken": _("a payment of another order has this id"),
    }


def _take_in(file: str, progress: Progress) -> int:
    sizes = _fetch(
        "SELECT b.batch, (SELECT count(*) FROM import_order s WHERE s.batch = b.batch)"
        " FROM (SELECT batch FROM import_order UNION SELECT batch FROM import_payment) b"
        " WHERE b.batch IS NOT NULL ORDER BY 1"
    )
    total, done, anomalies = sum(size for _number, size in sizes), 0, 0
    progress(0, total)
    for number, size in sizes:
        with transaction.atomic():
            anomalies += Batch(number=number, actor=_actor(file), file=file).take_in()
        if not done:
            # The planner has just seen these tables grow from little or nothing.
            _run("ANALYZE orders_order, orders_attempt, orders_history")
        done += size
        progress(done, total)
    return anomalies


def _actor(file: str) -> str:
    return f"import:{file}"[:80]


def _refused(name: str, table: str) -> list[Unread]:
    rows = _fetch(f"SELECT line, refused, raw FROM {table} WHERE refused IS NOT NULL ORDER BY line")  # noqa: S608
    return [Unread(name, line, reason, raw) for line, reason, raw in rows]


def _counts() -> tuple[int, int, int, int, int]:
    rows: list[tuple[int, int, int, int, int]] = _fetch(
        "SELECT count(*) FILTER (WHERE is_new),"
        " count(*) FILTER (WHERE NOT is_new AND had <> says),"
        " count(*) FILTER (WHERE NOT is_new AND had = says),"
        " (SELECT count(*) FROM import_payment WHERE is_new),"
        " (SELECT count(*) FROM import_payment WHERE NOT is_new AND refused IS NULL)"
        " FROM import_order WHERE refused IS NULL"
    )
    return rows[0]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _fetch(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def write_report(path: Path, unread: Iterable[Unread]) -> None:
    """A CSV of what could not be read. A line that looks like a formula gets an apostrophe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Unread._fields)
        writer.writerows(row._replace(line=_plain(row.line)) for row in unread)


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
