"""`manage.py demo`: a believable little world for `run`, made once."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from opsconsole.scenarios import demo


class Command(BaseCommand):
    help = "Load the demo: people, tokens, some days of history and fresh orders of every kind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-orders-of-today", action="store_true", help="only people and what is past")

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("OPSCONSOLE_DEMO is off: the demo has public passwords.", returncode=2)
        with _troubles_untold():
            loaded = demo.load(self.stdout.write, today=not options["no_orders_of_today"])
        self.stdout.write(
            f"The demo has {loaded.people} new people, {loaded.past} orders of the past"
            f" and {loaded.fresh} fresh ones ({loaded.seconds} s)."
        )


@contextmanager
def _troubles_untold() -> Iterator[None]:
    """The troubles are meant: nobody has to read of each."""
    orders = logging.getLogger("orders")
    before = orders.level
    orders.setLevel(logging.ERROR)
    try:
        yield
    finally:
        orders.setLevel(before)
