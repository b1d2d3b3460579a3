"""`manage.py verify_history`: has anybody touched what happened?"""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.services.verification import Break, Verdict, verify_history

_SHOWN = 20


class Command(BaseCommand):
    help = "Recompute every chain of the history and compare it with heads, states and anchors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a broken chain")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        verdict = verify_history()
        for each in verdict.breaks[: None if options["json"] else _SHOWN]:
            self.stdout.write(json.dumps(_as_json(each)) if options["json"] else f"{_name(each)}: {each}")
        if len(verdict.breaks) > _SHOWN and not options["json"]:
            self.stdout.write(f"… and {len(verdict.breaks) - _SHOWN:,} more chains; --json names all")
        if not verdict.intact:
            raise CommandError(f"{len(verdict.breaks):,} broken: {_counts(verdict)}", returncode=1)
        if not options["json"]:
            self.stdout.write(f"Intact: {_counts(verdict)} in {time.monotonic() - started:.1f} s.")


def _counts(verdict: Verdict) -> str:
    return f"{verdict.chains:,} chains, {verdict.rows:,} rows, {verdict.anchored:,} anchored heads"


def _name(each: Break) -> str:
    if each.order_id is None:
        return "anchors"
    return each.public_id or f"order {each.order_id}"


def _as_json(each: Break) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "order_id": each.public_id or each.order_id,
        "seq": each.seq,
        "sentence": str(each),
        **each.facts,
    }
