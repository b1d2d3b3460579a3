"""`manage.py scenario`: an incident replayed, and the console's answer compared with the truth."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from opsconsole.sandbox.remote import NobodyAnswers, RemoteSandbox
from opsconsole.scenarios import accidents, guided, standalone
from opsconsole.scenarios.comparing import Comparison, compare
from opsconsole.scenarios.january12 import MIXES
from opsconsole.scenarios.progress import Bar
from opsconsole.scenarios.run import Request, Run, control_url
from opsconsole.scenarios.truth import read
from opsconsole.traffic.shops import ApiShop, DirectShop, Shop
from opsconsole.traffic.tokens import traffic_tokens

# Up to here the way through the API is worth its time (docs/scenarios.md has the measurements).
MOST_BY_API = 500


class Command(BaseCommand):
    help = "Replay an incident with known causes, or compare the console's answer with the truth."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True)
        self._add_january12(kinds.add_parser("january12", help="the night of 12 January"))
        self._add_compare(kinds.add_parser("compare", help="recall, precision and right causes"))
        kinds.add_parser("calm", help="every neighbour of the sandbox is well again")

    def _add_january12(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=_count, default=1000, metavar="N")
        parser.add_argument("--seed", type=int, default=12, metavar="S")
        parser.add_argument("--mix", choices=tuple(MIXES), default="mixed", help="what most of what hangs is caused by")
        parser.add_argument("--rate", type=float, default=480.0, metavar="R", help="orders a minute before the spike")
        parser.add_argument("--truth", type=Path, metavar="FILE", help="one JSON line an order, for comparing")
        parser.add_argument("--standalone", action="store_true", help="start a platform for it, and stop it after")
        parser.add_argument("--through", choices=("api", "service"), help="how the orders are placed")
        parser.add_argument("--json", action="store_true", help="the summary as JSON")
        parser.add_argument("--guided", action="store_true", help="(used by run --night)")
        parser.add_argument("--in-standalone", action="store_true", help="(used by --standalone)")

    def _add_compare(self, parser: ArgumentParser) -> None:
        parser.add_argument("--truth", type=Path, required=True, metavar="FILE")
        parser.add_argument("--as-of", type=_instant, metavar="ISO", help="ages as they will be, or were, then")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        {"january12": self._january12, "compare": self._compare, "calm": self._calm}[options["kind"]](options)

    def _january12(self, options: dict[str, Any]) -> None:
        if options["standalone"]:
            sys.exit(standalone.run(options))
        if options["guided"]:
            guided.wait_for_quiet_minutes(self.stdout.write)
        inside = bool(options["in_standalone"])
        request = Request(
            orders=options["orders"],
            seed=options["seed"],
            per_minute=options["rate"],
            mix=options["mix"],
            truth=options["truth"],
            dry_seconds=accidents.dry_seconds(options["orders"]) if inside else 0.0,
            kill_workers=accidents.ask_parent_to_kill_workers if inside else None,
        )
        bar = Bar(self.stderr)
        with closing(_shop(options)) as shop, RemoteSandbox(control_url()) as sandbox:
            summary = Run(request, shop, sandbox, bar.show, bar.say).go()
        if inside:
            standalone.let_limits_pass(bar.say)
        self._print_summary(summary, as_json=options["json"])
        if options["guided"]:
            guided.stay(self.stdout.write)

    def _print_summary(self, summary: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(summary))
            return
        self.stdout.write(
            f"{summary['hanging']:,} of {summary['orders']:,} orders hang, Rp {summary['money_hanging']:,}"
        )
        for cause, count in sorted(summary["causes"].items(), key=lambda pair: -pair[1]):
            self.stdout.write(f"  {count:>6,}  {cause}")
        if not summary["settled"]:
            self.stdout.write("The platform had not settled when the time was over.")

    def _compare(self, options: dict[str, Any]) -> None:
        try:
            truths = read(options["truth"])
        except (OSError, ValueError, TypeError) as problem:
            raise CommandError(f"{options['truth']} is not a truth file: {problem}", returncode=2) from problem
        comparison = compare(truths, as_of=options["as_of"])
        if options["json"]:
            self.stdout.write(json.dumps(comparison.as_json()))
        else:
            self._print_comparison(comparison)

    def _print_comparison(self, found: Comparison) -> None:
        self.stdout.write(f"orders {found.orders:,}, hanging {found.hanging:,}, found {found.found:,}")
        self.stdout.write(f"recall          {found.recall:.2%}  (missed {len(found.missed)})")
        self.stdout.write(f"precision       {found.precision:.2%}  (wrong {len(found.wrong)})")
        self.stdout.write(f"cause accuracy  {found.cause_accuracy:.2%}")
        for true, said in sorted(found.confusion.items()):
            told = ", ".join(f"{cause} {count}" for cause, count in sorted(said.items()))
            self.stdout.write(f"  {true:<24} {told}")
        for pair, ids in sorted(found.examples.items()):
            self.stdout.write(f"  {pair}: {' '.join(ids)}")

    def _calm(self, options: dict[str, Any]) -> None:
        try:
            with RemoteSandbox(control_url()) as sandbox:
                sandbox.no_faults()
                sandbox.no_plans()
        except NobodyAnswers as problem:
            raise CommandError(f"no sandbox answers at {control_url()} (SANDBOX_PORT)", returncode=2) from problem
        self.stdout.write("Every neighbour is well again; the platform asks them about what is open.")


def _shop(options: dict[str, Any]) -> Shop:
    through = options["through"] or ("api" if options["orders"] <= MOST_BY_API else "service")
    if through == "service":
        return DirectShop(since=timezone.now())
    return ApiShop(settings.PUBLIC_URL, traffic_tokens())


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError("a whole number from 1 to 100000 is wanted")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a time in ISO 8601") from error
    return instant if instant.tzinfo else timezone.make_aware(instant)
