"""`manage.py load_book`: take a file into one of the three books. See docs/handbook-finance.md.

Exit codes: 0 taken in, 1 held (a person has to look), 2 refused (nothing can be read).
"""

import sys
from argparse import ArgumentTypeError
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.money import NotMoney, exponent, to_major, to_minor
from reconciliation import business_day
from reconciliation.holds import told
from reconciliation.layouts import Layout, LayoutRefused
from reconciliation.models import Load
from reconciliation.reading import FileRefused, Problem
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of
from reconciliation.services.files import chunks_of
from reconciliation.services.layouts import find
from reconciliation.services.loads import release
from reconciliation.states import LoadState, Side

HELD, REFUSED = 1, 2


class Command(BaseCommand):
    help = "Take a file into our book, a gateway's or Head Office's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, XLSX, or a ZIP of them")
        parser.add_argument("--side", choices=Side.values, required=True)
        parser.add_argument("--layout", metavar="NAME[@VERSION]", help="default: ho for Head Office, generic otherwise")
        parser.add_argument("--source", metavar="NAME", help="the gateway, or the HO instance (default: the layout's)")
        parser.add_argument("--currency", default="", help="where the file names none; with it, no other is taken")
        parser.add_argument("--mapping", type=Path, metavar="FILE.toml", help="entries laid over the layout")
        parser.add_argument("--total", metavar="AMOUNT", help="what the amounts must add up to, in major units")
        parser.add_argument("--rows", type=int, metavar="N", help="how many rows there must be")
        parser.add_argument("--through", type=_day, metavar="YYYY-MM-DD", help="the last day the file is complete for")
        parser.add_argument("--release", metavar="REASON", help="take it in even if it would be held, and say why")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load = self._load(options)
        except (FileRefused, LayoutRefused, NotMoney) as error:
            raise CommandError(str(error), returncode=REFUSED) from error
        if load.state == LoadState.HELD and options["release"]:
            release(load.pk, actor="command", reason=options["release"])
            load = loading.work(load.pk, progress=self._progress) or load
        self._tell(load)

    def _load(self, options: dict[str, Any]) -> Load:
        name, layout = _layout(options)
        source = options["source"] or layout.source or layout.side
        load = loading.receive(
            chunks_of(options["file"]),
            feed=feed_of(options["side"], source),
            name=options["file"].name,
            layout=layout if options["mapping"] else name,
            actor="command",
            currency=_currency(options["currency"]),
            stated=_stated(options),
        )
        return loading.work(load.pk, progress=self._progress) or Load.objects.get(pk=load.pk)

    def _progress(self, rows: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{rows:,} rows read", ending="")
            self.stderr.flush()

    def _tell(self, load: Load) -> None:
        for each in (*load.problems, *load.notes):
            self.stdout.write(told(Problem(**each)))
        if load.state == LoadState.REFUSED:
            raise CommandError(f"Load {load.pk} is refused: nothing was taken in.", returncode=REFUSED)
        if load.state == LoadState.HELD:
            raise CommandError(f"Load {load.pk} is held: nothing was taken in until a person decides.", returncode=HELD)
        self.stdout.write(_sentence(load))
        for row in load.quarantine.order_by("part", "line")[:5]:
            self.stdout.write(f"  row {row.line}: {row.reason}")
        if load.quarantined > 5:
            self.stdout.write(f"  and {load.quarantined - 5:,} more, on the page of load {load.pk}")


def _layout(options: dict[str, Any]) -> tuple[str, Layout]:
    name = options["layout"] or ("ho" if options["side"] == Side.HO else "generic")
    exact, layout = find(name)
    if options["mapping"]:
        text = b"".join(chunks_of(options["mapping"])).decode("utf-8-sig", errors="replace")
        layout = Layout.from_toml(text, over=layout)
    return exact, layout


def _currency(code: str) -> str:
    if code:
        exponent(code.upper())
    return code.upper()


def _stated(options: dict[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    currency = options["currency"].upper() or "IDR"
    if options["total"]:
        stated["amounts"] = {currency: to_minor(options["total"], currency=currency)}
    if options["rows"] is not None:
        stated["rows"] = options["rows"]
    if options["through"]:
        stated["complete_up_to"] = business_day.begins(options["through"] + timedelta(days=1)).isoformat()
    return stated


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date") from error


def _sentence(load: Load) -> str:
    seconds = (load.ended_at - load.started_at).total_seconds() if load.ended_at else 0.0
    sums = ", ".join(
        f"{to_major(amount, currency=currency)} {currency} in {lines:,} lines"
        for currency, (lines, amount) in load.totals.items()
    )
    complete = f"; complete up to {load.feed.complete_up_to:%Y-%m-%d %H:%M} UTC" if load.feed.complete_up_to else ""
    return (
        f"Load {load.pk}: {load.read:,} rows read; {load.new:,} lines new, {load.known:,} known, "
        f"{load.quarantined:,} rows in quarantine; {sums or 'nothing new'}{complete}; {seconds:.1f} s."
    )
