"""`manage.py reconcile`: compare the books and say what differs. See docs/handbook-finance.md.

Exit codes: 0 done, 1 the results do not add up to the books (nothing was written), 2 wrong arguments.
"""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.money import to_major
from reconciliation.engines import ENGINES, EngineMissing
from reconciliation.models import Case, Run
from reconciliation.queries.by_order import by_order
from reconciliation.services.rules import rules_in_force
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope, RunState


class Command(BaseCommand):
    help = "Compare our ledger with the gateways' books and Head Office's; print what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", type=_day, dest="first", metavar="YYYY-MM-DD", help="business days from this one")
        parser.add_argument("--to", type=_day, dest="last", metavar="YYYY-MM-DD", help="to this one, included")
        parser.add_argument("--full", action="store_true", help="everything, not only what changed since the last run")
        parser.add_argument("--dry-run", action="store_true", help="say what would be found, keep nothing")
        parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="where the first pass is done")
        parser.add_argument("--by-order", action="store_true", help="one line an order: paid, ledger, outcome")
        parser.add_argument("--cases", action="store_true", help="one line a case, the most money first")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = reconcile(
                scope=RunScope.FULL if options["full"] else RunScope.CHANGES,
                window=_window(options["first"], options["last"]),
                dry=options["dry_run"],
                actor="command",
                progress=self._progress,
                on=options["engine"],
            )
        except EngineMissing as missing:
            raise CommandError(str(missing), returncode=2) from missing
        if run.state != RunState.DONE:
            raise CommandError(f"Run {run.pk} failed, nothing was written: {run.said}")
        show = _json if options["json"] else _text
        for line in _lines(run, options):
            self.stdout.write(show(line))

    def _progress(self, name: str, rows: int, seconds: float) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"{name:<36} {rows:>10,} rows {seconds:8.2f} s")


def _lines(run: Run, options: Mapping[str, Any]) -> Any:
    if options["by_order"]:
        return (line.as_json() for line in by_order(rules_in_force()))
    if options["cases"]:
        return (_case(case) for case in Case.objects.filter(is_open=True).order_by("-money", "signature"))
    return [_run(run)]


def _run(run: Run) -> dict[str, Any]:
    seconds = (run.ended_at - run.started_at).total_seconds() if run.ended_at else 0.0
    return {
        "run": run.pk,
        "scope": run.scope,
        "dry": run.is_dry,
        "digest": run.digest,
        **run.summary,
        "totals": [
            {
                "pairing": total.pairing,
                "side": total.side,
                "outcome": total.outcome,
                "why": total.why,
                "lines": total.lines,
                "amount": to_major(int(total.amount), currency=total.currency),
                "currency": total.currency,
            }
            for total in run.totals.order_by("pairing", "side", "outcome", "why", "currency")
        ],
        "seconds": round(seconds, 3),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "type": case.type,
        "count": case.count,
        "money": to_major(int(case.money), currency=case.currency),
        "signature": case.signature,
        "currency": case.currency,
        "pairing": case.pairing,
        "first_at": case.first_at.isoformat() if case.first_at else None,
        "last_at": case.last_at.isoformat() if case.last_at else None,
    }


def _window(first: date | None, last: date | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None or first > last:
        raise CommandError("--from and --to go together, the earlier day first.", returncode=2)
    return first, last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date") from error


def _json(line: Mapping[str, Any]) -> str:
    return json.dumps(line)


def _text(line: Mapping[str, Any]) -> str:
    if "totals" not in line:
        return "  ".join(str(value) for value in line.values() if value is not None)
    rows = [
        f"  {t['pairing']:<8} {t['side']:<8} {t['outcome']:<9} {t['why']:<24} {t['lines']:>10,} lines"
        f" {t['amount']:>20} {t['currency']}"
        for t in line["totals"]
    ]
    head = (
        f"Run {line['run']} ({line['scope']}{', dry' if line['dry'] else ''}): {line['found']:,} breaks found,"
        f" {line['healed']:,} healed, {line['open']:,} open; every line counted once; {line['seconds']:.1f} s."
    )
    return "\n".join([head, *rows])
