"""`manage.py run`: the whole console on one machine, from nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.paths import data_dir
from opsconsole.runner.output import Log
from opsconsole.runner.plan import Plan
from opsconsole.runner.running import run
from opsconsole.scenarios.january12 import MIXES

NIGHT_ORDERS = "300"  # as many as a small machine takes in within a minute; some sixty of them hang


class Command(BaseCommand):
    help = "Start PostgreSQL, Redis and every process, with one merged log. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="forget the data of earlier runs first")
        parser.add_argument("--port", type=int, default=8000, help="port of the console")
        customers = parser.add_mutually_exclusive_group()
        customers.add_argument("--no-demo", action="store_true", help="no demo people, orders and traffic")
        night = "the guided night of 12 January (docs/night.md)"
        customers.add_argument("--night", nargs="?", const="mixed", choices=tuple(MIXES), help=night)
        parser.add_argument("--seed", type=int, default=12, metavar="S", help="of the night: who meets which fate")
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="workers on the queue of actions")

    def handle(self, **options: Any) -> None:
        plan = Plan(
            data=data_dir(),
            port=options["port"],
            demo=not options["no_demo"],
            fresh=options["fresh"],
            act_workers=max(1, options["workers"]),
            night=_night(options) if options["night"] else (),
        )
        run(plan, Log())


def _night(options: dict[str, Any]) -> tuple[str, ...]:
    return ("--orders", NIGHT_ORDERS, "--mix", options["night"], "--seed", str(options["seed"]))
