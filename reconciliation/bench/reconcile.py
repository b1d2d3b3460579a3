"""Two books of many lines: load, match, classify, write breaks; each next to the bare join of the same run.

The books are put into the database in use and stay there: run it on a scratch one. Where DuckDB and Polars are
installed (requirements-engines.txt) they join the same two books, read from Parquet.
"""

import argparse
import csv
import io
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from orders.bench.report import Report
from reconciliation import business_day
from reconciliation.bench import books
from reconciliation.bench.fill import fill
from reconciliation.lines import Line
from reconciliation.models import Entry, Feed, Load, Run
from reconciliation.services import bridges, engine
from reconciliation.services.entries import take_in
from reconciliation.services.pairings import WRITING
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope, Side

CHUNK: Final = 500_000  # lines in one load
LOADED: Final = 1_000_000  # lines a book that go the way of a real load; more are filled by SQL
HOUR: Final = 1_141  # lines that come in an hour, of ten million a year
JOIN: Final = """
SELECT count(*) FROM
    (SELECT order_reference, currency, amount FROM reconciliation_entry WHERE side = 'ours') o
    FULL JOIN (SELECT order_reference, currency, amount FROM reconciliation_entry WHERE side = 'ho') t
    USING (order_reference, currency)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines in our book (default: 1,000,000)")


def run(args: argparse.Namespace) -> Report:
    report = Report(f"bench reconcile, {args.rows:,} lines a book")
    _empty()
    _load(report, args.rows)
    bare = _bare_join(report)
    whole, first = _phases(report, bare)
    report.add("memory of this process after the run", _held("self", "VmRSS"), "MiB", note="no other engine loaded yet")
    _again(report, bare, first)
    _one_hour(report, args.rows)
    _one_day(report, args.rows)
    pid = engine.execute("SELECT pg_backend_pid()")[0][0]
    report.add("memory of PostgreSQL's backend", _held(pid, "RssAnon"), "MiB", note="its own, without shared buffers")
    _others(report, bare, whole)
    return report


def _empty() -> None:
    if Entry.objects.exclude(load__name__startswith="bench ").exists():
        raise SystemExit("There are real books in this database: run the benchmark on a scratch one.")
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE reconciliation_entry, reconciliation_break, reconciliation_breakevent, reconciliation_match,"
            " reconciliation_expectation, reconciliation_case, reconciliation_run, reconciliation_runtotal,"
            " reconciliation_breaktotal CASCADE"
        )
    Load.objects.filter(name__startswith="bench ").delete()


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _load(report: Report, rows: int) -> None:
    bare = _bare_copy(min(rows, CHUNK))
    report.add("bare COPY into a table without index", bare, "rows/s", ratio=1.0, note="baseline of loading")
    for side, source, lines in ((Side.OURS, "ledger", books.ours), (Side.HO, "ho", books.theirs)):
        began = time.perf_counter()
        loaded = min(rows, LOADED)
        for first in range(0, loaded, CHUNK):
            _take_in(side, source, lines(min(CHUNK, loaded - first), first=first))
        rate = loaded / (time.perf_counter() - began)
        report.add(f"load {side}: checked, numbered, indexed", rate, "rows/s", ratio=rate / bare)
    if rows > LOADED:
        loads = {feed.side: Load.objects.create(feed=feed, name="bench rest") for feed in Feed.objects.all()}
        seconds = _timed(lambda: fill(loads, low=LOADED, high=rows))
        report.add("the rest, filled by SQL without index", (rows - LOADED) * 2 / seconds, "rows/s", note="no loading")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) reconciliation_entry")


def _take_in(side: str, source: str, lines: Iterable[Line]) -> None:
    feed, _new = Feed.objects.update_or_create(
        side=side, source=source, defaults={"complete_up_to": timezone.now() + books.EVERY * 10_000_000}
    )
    take_in(Load.objects.create(feed=feed, name=f"bench {side}"), lines)


def _bare_copy(rows: int) -> float:
    text = io.StringIO()
    csv.writer(text).writerows(books.ours(rows))
    engine.execute(engine.text("stage").replace(" ON COMMIT DROP", ""))
    text.seek(0)
    began = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy("COPY staged FROM STDIN (FORMAT csv, FORCE_NOT_NULL *)") as copy:
        while block := text.read(1 << 20):
            copy.write(block)
    rate = rows / (time.perf_counter() - began)
    engine.execute("DROP TABLE staged")
    return rate


def _bare_join(report: Report) -> float:
    engine.execute("SET enable_hashjoin = off")
    best = min(_timed(lambda: engine.execute(JOIN)) for _each in range(3))
    engine.execute("RESET enable_hashjoin")
    report.add("bare full join in PostgreSQL (merge)", best, "s", ratio=1.0, note="baseline of matching, best of 3")
    return best


def _phases(report: Report, bare: float) -> tuple[float, Run]:
    """The first run finds every break there is; what each part of it took, and the whole in seconds."""
    parts = {"first pass": 0.0, "later passes": 0.0, "classify": 0.0, "write": 0.0}

    def tell(name: str, rows: int, seconds: float) -> None:
        parts[_part(name)] += seconds

    began = time.perf_counter()
    found = reconcile(scope=RunScope.FULL, actor="bench", progress=tell)
    whole = time.perf_counter() - began
    if found.state != "done":
        raise SystemExit(f"The run failed: {found.said}")
    for name, seconds in parts.items():
        report.add(name, seconds, "s", ratio=seconds / bare)
    report.add("whole run", whole, "s", ratio=whole / bare, note=f"{found.summary['found']:,} breaks written")
    return whole, found


def _part(name: str) -> str:
    step = name.partition(": ")[2]
    if step == "pass_0_one_each":
        return "first pass"
    if step in WRITING:
        return "write"
    return "classify" if step in {"classify", "causes", "found_match", "expect", "suspects"} else "later passes"


def _again(report: Report, bare: float, first: Run) -> None:
    began = time.perf_counter()
    again = reconcile(scope=RunScope.FULL, actor="bench")
    seconds = time.perf_counter() - began
    same = "same digest" if again.digest == first.digest else "ANOTHER DIGEST"
    report.add("whole run again, nothing new", seconds, "s", ratio=seconds / bare, note=same)


def _one_hour(report: Report, rows: int) -> None:
    _take_in(Side.OURS, "ledger", books.ours(HOUR, first=rows))
    _take_in(Side.HO, "ho", books.theirs(HOUR, first=rows))
    began = time.perf_counter()
    found = reconcile(actor="bench")
    seconds = time.perf_counter() - began
    report.add("run of changes over one hour", seconds, "s", note=f"{HOUR:,} new lines a book, {found.scope}")


def _one_day(report: Report, rows: int) -> None:
    """The bridge of a day in the middle of the books: what the ticker computes for a day's page."""
    day = business_day.of(books.FIRST + books.EVERY * (rows // 2))
    seconds = _timed(lambda: bridges.refresh(day))
    lines = Entry.objects.filter(side__in=Side.values, business_date=day).count()
    report.add("bridge of one day, computed and kept", seconds, "s", note=f"{lines:,} lines of {day}")


def _held(pid: int | str, what: str) -> float:
    """MiB, from /proc, where the process runs on this machine; else 0."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _others(report: Report, bare: float, whole: float) -> None:
    """Both books on disk as Parquet, read, joined, and what differs written to disk: all that a bare join does."""
    if find_spec("duckdb") is None:
        report.add("DuckDB", 0, "s", note="not installed (requirements-engines.txt)")
        return
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        files = [_parquet(Path(folder), side) for side in ("ours", "ho")]
        report.add("both books written as Parquet", time.perf_counter() - began, "s", note="not counted below")
        report.add("DuckDB, bare full join", seconds := _duckdb(files), "s", ratio=seconds / bare)
        report.add("whole run beside DuckDB's join", whole / seconds, "", ratio=whole / seconds)
        if find_spec("polars") is not None:
            report.add("Polars, bare full join", seconds := _polars(files), "s", ratio=seconds / bare)


def _parquet(folder: Path, side: str) -> Path:
    import duckdb

    text, parquet = folder / f"{side}.csv", folder / f"{side}.parquet"
    columns = "SELECT order_reference, currency, amount FROM reconciliation_entry"
    with (
        text.open("wb") as file,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({columns} WHERE side = '{side}') TO STDOUT (FORMAT csv, HEADER)") as copy,
    ):
        for block in copy:
            file.write(block)
    duckdb.read_csv(str(text)).write_parquet(str(parquet))
    return parquet


def _duckdb(files: list[Path]) -> float:
    import duckdb

    ours, theirs = files
    join = (
        "COPY (SELECT order_reference, currency, o.amount AS ours, t.amount AS theirs"  # noqa: S608 - our own paths
        f" FROM read_parquet('{ours}') o FULL JOIN read_parquet('{theirs}') t USING (order_reference, currency)"
        f" WHERE o.amount IS DISTINCT FROM t.amount) TO '{ours.with_name('breaks.parquet')}' (FORMAT parquet)"
    )
    return min(_timed(lambda: duckdb.execute(join)) for _each in range(3))


def _polars(files: list[Path]) -> float:
    import polars as pl

    def join() -> None:
        ours, theirs = (pl.scan_parquet(file) for file in files)
        on = ["order_reference", "currency"]
        joined = ours.join(theirs, on=on, how="full", coalesce=True)
        joined.filter(pl.col("amount").ne_missing(pl.col("amount_right"))).sink_parquet(files[0].with_name("p.parquet"))

    return min(_timed(join) for _each in range(3))
