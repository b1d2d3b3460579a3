"""`manage.py stuck`: what hangs, since when, why, and what to do about it."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.duration import duration_string

from orders.diagnosis.causes import WORDS, Cause
from orders.diagnosis.findings import Finding
from orders.diagnosis.service import diagnose
from orders.money import to_major
from orders.queries.stuck import StuckFilter, StuckRow, all_stuck

_LISTS = {
    "state": "states",
    "machine": "machines",
    "service": "services",
    "gateway": "gateways",
    "method": "methods",
    "city": "cities",
    "channel": "channels",
    "cause": "causes",
}
_HEADINGS = ("ORDER", "STATE", "SINCE (UTC)", "AGE", "AMOUNT", "CAUSE", "NEXT STEP")


class Command(BaseCommand):
    help = "List the orders that hang, oldest first, with cause and next step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=_instant, metavar="ISO", help="as it was then, from the history")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--min-age", type=_minutes, metavar="MINUTES", help="stuck for at least so long")
        parser.add_argument("--held", action="store_true", help="held orders too")
        parser.add_argument("--paid", action="store_true", help="only orders whose customer has paid")
        parser.add_argument("--unowned", action="store_true", help="only orders nobody has taken")
        parser.add_argument("--text", default="", help="part of an order id, name, phone or reference")
        for name in _LISTS:
            parser.add_argument(f"--{name}", action="append", default=[], help="may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = _filter(options)
        causes = set(options["cause"])
        lines = _lines(wanted, as_of=options["as_of"], causes=causes)
        if options["json"]:
            for row, finding in lines:
                self.stdout.write(json.dumps(_as_json(row, finding)))
            return
        self._table(list(lines))

    def _table(self, lines: Sequence[tuple[StuckRow, Finding]]) -> None:
        cells = [_HEADINGS, *(_cells(row, finding) for row, finding in lines)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
        for line in cells:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        self.stdout.write(f"{len(lines):,} orders")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 time") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _minutes(text: str) -> timedelta:
    try:
        return timedelta(minutes=float(text))
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text!r} is not a number of minutes") from error


def _filter(options: dict[str, Any]) -> StuckFilter:
    lists: dict[str, Any] = {field: tuple(options[name]) for name, field in _LISTS.items() if name != "cause"}
    return StuckFilter(
        **lists,
        min_age=options["min_age"],
        held="include" if options["held"] else "exclude",
        paid=True if options["paid"] else None,
        unowned=options["unowned"],
        text=options["text"],
    )


def _lines(wanted: StuckFilter, *, as_of: datetime | None, causes: set[str]) -> Iterator[tuple[StuckRow, Finding]]:
    """Judged now, not read from the last look: the command is asked rarely and must be right."""
    for rows in all_stuck(wanted, as_of=as_of):
        found = diagnose(rows)
        for row in rows:
            if not causes or found[row.order_id].cause in causes:
                yield row, found[row.order_id]


def _as_json(row: StuckRow, finding: Finding) -> dict[str, Any]:
    """`state` is the order's; `stuck` says whose clock ran out and in which state that hangs."""
    return {
        "order_id": row.public_id,
        "state": row.order_state,
        "since": _utc(row.since),
        "age_seconds": int(row.age.total_seconds()),
        "amount": to_major(row.amount, currency=row.currency),
        "currency": row.currency,
        "cause": finding.cause,
        "next_step": finding.next_step,
        "confidence": finding.confidence,
        "stuck": {"machine": row.machine, "state": row.state},
        "evidence": [str(sentence) for sentence in finding.evidence],
    }


def _cells(row: StuckRow, finding: Finding) -> tuple[str, ...]:
    state = row.order_state if row.machine == "order" else f"{row.order_state}, {row.machine} {row.state}"
    age = duration_string(timedelta(seconds=int(row.age.total_seconds())))
    money = f"{to_major(row.amount, currency=row.currency)} {row.currency}"
    title = str(WORDS[Cause(finding.cause)].title)
    return (row.public_id, state, _utc(row.since), age, money, title, finding.next_step)


def _utc(at: datetime) -> str:
    """To the second, or to the microsecond where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
