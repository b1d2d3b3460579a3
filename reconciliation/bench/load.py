"""A file read, judged and taken into a book, beside bare COPYs of the very same rows."""

import resource
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.db import connection

from orders.bench.report import Report
from reconciliation.lines import Line
from reconciliation.models import Entry, Feed, Load, LoadEvent
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of
from reconciliation.services.files import chunks_of, path_of

SOURCE: Final = "bench"
_BEGAN: Final = datetime(2026, 11, 20, tzinfo=UTC)
_BARE: Final = (
    "CREATE TABLE bench_bare (line int, kind text, amount bigint, currency text, occurred_at timestamptz,"
    " reference text, external_reference text, order_reference text, batch text, method text, status text, source text)"
)
_ENTRY: Final = "CREATE TABLE bench_bare (LIKE reconciliation_entry INCLUDING ALL)"
_OF_ENTRY: Final = ", id, side, business_date, occurrence, load_id"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=200_000)


def run(options: Namespace) -> Report:
    """COPY the rows as they are, COPY them into a table with the book's indexes, then load the file. Leaves nothing."""
    rows: int = options.rows
    report = Report(f"Loading {rows:,} rows of Head Office's book from CSV")
    with TemporaryDirectory(prefix="bench-load-") as folder:
        path = _file(Path(folder), rows)
        bare = _timed_copy(_BARE, _text(Path(folder), rows))
        report.add("bare COPY, no index", rows / bare, "rows/s", ratio=1.0)
        indexed = _timed_copy(_ENTRY, _text(Path(folder), rows, is_entry=True), _OF_ENTRY)
        report.add("bare COPY into the book's indexes", rows / indexed, "rows/s", ratio=bare / indexed)
        taken = _timed_load(path)
        report.add("load: read, judge, take in", rows / taken, "rows/s", ratio=bare / taken)
        report.add("load beside COPY into the indexes", indexed / taken, "", ratio=indexed / taken)
        again = _timed_load(path)
        report.add("the same file again: all known", rows / again, "rows/s", ratio=bare / again)
    report.add("peak memory of this process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
    _clear()
    return report


def _rows(count: int) -> Iterator[Line]:
    for number in range(count):
        yield Line(
            number,
            "payment",
            50_000 + number % 997 * 100,
            "IDR",
            _BEGAN + timedelta(seconds=number % 86_000),
            reference=f"R-{number:09d}",
            external_reference=f"HO-{number:09d}",
            order_reference=f"BENCH-{number:09d}",
        )


def _file(folder: Path, count: int) -> Path:
    path = folder / "entries.csv"
    with path.open("w") as file:
        file.write("entry_ref,entry_id,order_ref,kind,amount,currency,occurred_at\n")
        for line in _rows(count):
            names = f"{line.reference},{line.external_reference},{line.order_reference}"
            file.write(f"{names},{line.kind},{line.amount},{line.currency},{line.occurred_at.isoformat()}\n")
    return path


def _text(folder: Path, count: int, *, is_entry: bool = False) -> Path:
    """The rows as COPY reads them, made before the clock runs: a bare COPY is PostgreSQL's work alone."""
    path = folder / f"{is_entry}.text"
    with path.open("w") as file:
        for line in _rows(count):
            more = (line.line, "ho", line.occurred_at.date(), 1, 0) if is_entry else ()
            file.write("\t".join(map(str, (*line, *more))) + "\n")
    return path


def _timed_copy(table: str, text: Path, more: str = "") -> float:
    statement = f"COPY bench_bare ({', '.join(Line._fields)}{more}) FROM STDIN"
    with _gone_afterwards(table), connection.cursor() as cursor:
        started = time.monotonic()
        with cursor.copy(statement) as copy:
            for block in chunks_of(text):
                copy.write(block)
        return time.monotonic() - started


@contextmanager
def _gone_afterwards(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(table)
        try:
            yield
        finally:
            cursor.execute("DROP TABLE bench_bare")


def _timed_load(path: Path) -> float:
    started = time.monotonic()
    received = loading.receive(
        chunks_of(path), feed=feed_of("ho", SOURCE), name=path.name, layout="ho", actor="command"
    )
    load = loading.work(received.pk)
    if load is None or load.state != "loaded":
        raise RuntimeError(f"the load was not taken in: {load and load.reason}")
    return time.monotonic() - started


def _clear() -> None:
    for feed in Feed.objects.filter(source=SOURCE):
        for load in Load.objects.filter(feed=feed):
            path_of(load.file).unlink(missing_ok=True)
        Entry.objects.filter(side="ho", source=SOURCE).delete()
        LoadEvent.objects.filter(load__feed=feed).delete()
        Load.objects.filter(feed=feed).delete()
        feed.delete()
