"""Reports as XLSX or CSV, written by a worker. A job may run twice: who holds the lock of a file writes it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orders import bells, csv_text
from orders.errors import NotAllowed
from orders.money import exponent
from reconciliation import business_day
from reconciliation.models import ReportFile
from reconciliation.queries.reports import REPORTS, Column, Kind, Report, Row, Wanted
from reconciliation.services.alone import alone
from reconciliation.states import FileFormat, FileState

KEPT: Final = timedelta(hours=24)
KEPT_MAILED: Final = timedelta(days=7)  # what a mail may lead to
LONGEST: Final = timedelta(minutes=30)
LOST: Final = timedelta(seconds=30)  # without a sign of life for so long it has lost its worker, or its bell
_EVERY: Final = 2_000  # rows between two signs of life
_MOST: Final = 1_048_000  # rows of a sheet
_LOCK: Final = 0x4E90
_FIELDS: Final = ("gateway", "method", "service", "city", "waits_for")


def ask(report: str, wanted: Wanted, *, actor: str, format_: str = FileFormat.XLSX) -> ReportFile:
    """Have it written, after the running transaction. Raises NotAllowed for a report that there is not."""
    if report not in REPORTS:
        raise NotAllowed(report)
    made = ReportFile.objects.create(report=report, wanted=as_text(wanted), actor=actor, format=format_)
    transaction.on_commit(lambda: _ring(made.pk), robust=True)
    return made


def path_of(made: ReportFile) -> Path:
    """Where a written file lies; nothing lies there any more once it has expired."""
    return Path(settings.REPORTS_DIR) / made.file


def as_text(wanted: Wanted) -> dict[str, str]:
    given = {name: getattr(wanted, name) for name in _FIELDS if getattr(wanted, name)}
    return {"first": wanted.first.isoformat(), "last": wanted.last.isoformat(), **given}


def from_text(text: Mapping[str, str]) -> Wanted:
    given: dict[str, Any] = {name: text.get(name, "") for name in _FIELDS}
    return Wanted(date.fromisoformat(text["first"]), date.fromisoformat(text["last"]), **given)


def work(pk: int) -> ReportFile | None:
    """Write a file that waits. None where another is at it, or it waits no more."""
    with alone(_LOCK, pk) as is_ours:
        made = ReportFile.objects.filter(pk=pk, state=FileState.WAITING).first() if is_ours else None
        if made is None:
            return None
        path = Path(settings.REPORTS_DIR) / f"report-{made.pk}.{made.format}"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(made, path)
        except Exception as problem:
            _end(made, state=FileState.FAILED, said=f"{type(problem).__name__}: {problem}"[:200])
            raise
        size, until = path.stat().st_size, timezone.now() + (KEPT_MAILED if hasattr(made, "sending") else KEPT)
        _end(made, state=FileState.DONE, file=path.name, size=size, expires_at=until)
    return made


def _end(made: ReportFile, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(made, name, value)
    made.save(update_fields=["rows", *changes])


def _write(made: ReportFile, path: Path) -> None:
    """Beside its place, and moved there when it is whole."""
    report, wanted = REPORTS[made.report], from_text(made.wanted)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        whole = Path(folder) / path.name
        _AS[FileFormat(made.format)](whole, report, _told(made, report.rows(wanted)))
        whole.replace(path)


def _as_workbook(path: Path, report: Report, rows: Iterator[Row]) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        _fill(book, report, rows)


def _as_csv(path: Path, report: Report, rows: Iterator[Row]) -> None:
    """As on screen: whole minor units with their currency, times in WIB."""
    plain = ([value if isinstance(value, int) else _as_cell(value) for value in row] for row in rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_text.lines([column.name for column in report.columns], plain))


_AS: Final = {FileFormat.XLSX: _as_workbook, FileFormat.CSV: _as_csv}


def _told(made: ReportFile, rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        if made.rows % _EVERY == 0:
            ReportFile.objects.filter(pk=made.pk).update(rows=made.rows, told_at=timezone.now())
        made.rows += 1
        if made.rows > _MOST:
            raise NotAllowed(f"more than {_MOST} rows")
        yield row


def _fill(book: Any, report: Report, rows: Iterator[Row]) -> None:
    sheet, bold = book.add_worksheet(report.name), book.add_format({"bold": True})
    whole, parts = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "#,##0.00"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(report.columns), 16)
    for place, column in enumerate(report.columns):
        sheet.write_string(0, place, column.name.removesuffix("_minor"), bold)
    writers = [_writer(sheet, column, whole, parts) for column in report.columns]
    money = next((place for place, column in enumerate(report.columns) if column.kind == Kind.CURRENCY), None)
    for number, row in enumerate(rows, 1):
        currency = row[money] if money is not None else "IDR"
        for place, value in enumerate(row):
            writers[place](number, place, value, currency)


Writer = Callable[[int, int, Any, str], None]


def _writer(sheet: Any, column: Column, whole: Any, parts: Any) -> Writer:
    """Text is written as text whatever it begins with: nothing of a report is ever a formula."""

    def money(row: int, place: int, value: Any, currency: str) -> None:
        digits = exponent(currency)
        if value is not None:
            sheet.write_number(row, place, int(value) / 10**digits, parts if digits else whole)

    def count(row: int, place: int, value: Any, _currency: str) -> None:
        sheet.write_number(row, place, value, whole)

    def text(row: int, place: int, value: Any, _currency: str) -> None:
        sheet.write_string(row, place, _as_cell(value))

    return {Kind.MONEY: money, Kind.COUNT: count}.get(column.kind, text)


def _as_cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(business_day.ZONE):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


def keep_up() -> dict[str, int]:
    """The ticker's round: ring for what waits, throw away what has expired."""
    silent = timezone.now() - LOST
    waiting = ReportFile.objects.filter(state=FileState.WAITING, asked_at__lt=silent).exclude(told_at__gte=silent)
    rang = sum(_ring(pk) for pk in waiting.values_list("pk", flat=True)[:20])
    return {"rang": rang, "expired": sum(map(_forget, _expired()))}


def _expired() -> Iterator[ReportFile]:
    return ReportFile.objects.filter(state=FileState.DONE, expires_at__lt=timezone.now())[:50].iterator()


def _forget(made: ReportFile) -> int:
    path_of(made).unlink(missing_ok=True)
    return ReportFile.objects.filter(pk=made.pk).update(state=FileState.EXPIRED)


def _ring(pk: int) -> bool:
    return bells.ring_for("reconciliation.jobs.report", pk, queue="bulk", timeout=LONGEST, hush=timedelta(seconds=5))
