"""`manage.py import_orders`: backfill an existing platform's orders. See docs/import.md."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.money import NotMoney, exponent
from orders.services.importing import (
    ImportRefused,
    MappingRefused,
    SheetRefused,
    Summary,
    import_orders,
    load_mapping,
    write_report,
)

_BAR = 30  # characters


class Command(BaseCommand):
    help = "Take in the orders and payments of an existing platform from two CSV files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=Path, required=True, metavar="FILE")
        parser.add_argument("--payments", type=Path, required=True, metavar="FILE")
        parser.add_argument("--mapping", type=Path, metavar="FILE.toml")
        parser.add_argument("--currency", default="IDR", help="where the files name none (default: IDR)")
        parser.add_argument("--report", type=Path, metavar="FILE", help="CSV of the rows that could not be read")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            exponent(options["currency"])
            summary = import_orders(
                orders=options["orders"],
                payments=options["payments"],
                mapping=load_mapping(options["mapping"]),
                currency=options["currency"],
                progress=self._progress,
            )
        except (ImportRefused, MappingRefused, SheetRefused, NotMoney) as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(_sentence(summary))
        self._report(summary, options["report"], options["orders"])

    def _report(self, summary: Summary, wanted: Path | None, orders: Path) -> None:
        if not summary.unread and wanted is None:
            return
        stamp = f"{timezone.now():%Y%m%dT%H%M%S}"
        path = wanted or settings.DATA_DIR / "imports" / f"{orders.stem}-{stamp}.csv"
        write_report(path, summary.unread)
        self.stdout.write(f"{len(summary.unread):,} rows could not be read: {path}")

    def _progress(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        filled = _BAR * done // max(total, 1)
        bar = "█" * filled + "░" * (_BAR - filled)
        end = "\n" if done == total else ""
        self.stderr.write(f"\r{bar} {done:,} of {total:,} orders", ending=end)
        self.stderr.flush()


def _sentence(summary: Summary) -> str:
    return (
        f"{summary.new:,} new, {summary.changed:,} changed and {summary.unchanged:,} unchanged "
        f"orders; {summary.new_payments:,} new and {summary.known_payments:,} known payments; "
        f"{summary.anomalies:,} anomalies flagged; {summary.seconds:.1f} s."
    )
