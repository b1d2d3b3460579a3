"""`manage.py worker --queue act`: one RQ worker process."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.database_watch import WATCH
from opsconsole.processes import QUEUES
from opsconsole.worker import StopRequest, work


class Command(BaseCommand):
    help = "Work on the jobs of one queue until told to stop."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", required=True, choices=QUEUES)

    def handle(self, **options: Any) -> None:
        stop = StopRequest()
        stop.listen()
        with WATCH.whole_process():
            work(options["queue"], stop=stop)
