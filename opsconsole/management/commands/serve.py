"""`manage.py serve`: the web process."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.web import Listening, WebServer


class Command(BaseCommand):
    help = "Serve the console, the API and the callbacks over HTTP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=min(4, max(2, os.cpu_count() or 1)), help="processes")
        parser.add_argument("--threads", type=int, default=8, help="threads in each process")

    def handle(self, **options: Any) -> None:
        listening = Listening(options["bind"], options["port"], options["workers"], options["threads"])
        WebServer(listening).run()
