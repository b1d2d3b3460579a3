"""`manage.py chaos`: the platform under fire, and two verdicts from outside (docs/chaos.md)."""

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from opsconsole.chaos import planting, report
from opsconsole.chaos.platform import arena
from opsconsole.chaos.replica import KINDS
from opsconsole.chaos.run import Request, Run
from opsconsole.paths import data_dir


class Command(BaseCommand):
    help = "Traffic while everything fails; then: did anything wrong happen, and did everything finish?"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="of faults")
        parser.add_argument("--seed", type=int, default=1, metavar="N")
        parser.add_argument("--rate", type=float, default=120.0, metavar="R", help="orders a minute")
        parser.add_argument("--settle", type=float, default=300.0, metavar="S", help="longest time to come to rest")
        parser.add_argument("--bug", default="", help="plant one; in a checkout with its tests only")
        parser.add_argument("--storm", type=int, default=0, metavar="N", help="a storm of so many callbacks instead")
        parser.add_argument(
            "--replica", choices=KINDS, default="", help="a second PostgreSQL, which takes over in the storm"
        )
        parser.add_argument("--keep", action="store_true", help="keep data and logs of the run")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        more = _planted(options["bug"])
        call_command("migrate", interactive=False, verbosity=0)
        if more:
            planting.plant_in_database(options["bug"])
        data = data_dir()
        request = Request(
            seconds=options["seconds"],
            seed=options["seed"],
            per_minute=options["rate"],
            settle=options["settle"],
            callbacks=options["storm"],
            replicated=options["replica"],
            bug=options["bug"],
        )
        self._say(f"seed {request.seed}; {os.environ['OPSCONSOLE_DATA_DIR']}")
        with arena(data, more=more, replicated=request.replicated) as made:
            found = Run(request, made, self._say).go()
        self._print(found, as_json=options["json"])
        if found.findings:
            sys.exit(1)

    def _say(self, text: str) -> None:
        self.stderr.write(text)

    def _print(self, found: Any, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(found.as_json(), indent=1))
            return
        for line in report.lines(found):
            self.stdout.write(line)


def _planted(bug: str) -> dict[str, str]:
    if not bug:
        return {}
    try:
        return planting.environment(bug)
    except planting.NoSuchBug as problem:
        raise CommandError(str(problem), returncode=2) from problem
