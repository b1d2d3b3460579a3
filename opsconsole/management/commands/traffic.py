"""`manage.py traffic`: customers who order and pay, so that a newcomer sees orders flow."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from opsconsole.scenarios.run import control_url
from opsconsole.traffic.stream import Stream
from opsconsole.traffic.tokens import traffic_tokens

TURN = 1.0  # seconds between two signs of life


class Command(BaseCommand):
    help = "Let customers order through the JSON API and pay at the sandbox, until told to stop."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--per-minute", type=float, default=12.0, metavar="R", help="orders a minute")
        parser.add_argument("--orders", type=int, metavar="N", help="stop after so many")
        parser.add_argument("--seed", type=int, default=1, metavar="S")

    def handle(self, **options: Any) -> None:
        stream = Stream(
            url=settings.PUBLIC_URL,
            sandbox_url=control_url(),
            tokens=traffic_tokens,
            per_minute=options["per_minute"],
            seed=options["seed"],
            most=options["orders"],
        )
        if options["orders"]:
            stream.run()
        else:
            with stream:
                until_stopped("traffic", turn=lambda: TURN)
        self.stdout.write(f"{stream.placed} orders were placed.")
