"""`manage.py alive worker-act`: the health check of a container; says nothing and ends with 0 when all is well."""

import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from opsconsole.processes import PROCESSES, Process, process
from orders.heartbeats import silence

DEFAULT_PORTS = {"web": 8000, "sandbox": 8100}
ANSWER_WITHIN = 3  # seconds


class Command(BaseCommand):
    help = "Whether a process lives: by its HTTP answer, or by the heartbeat it writes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("process", choices=[one.name for one in PROCESSES])
        parser.add_argument("--port", type=int, help="where a process that speaks HTTP listens")

    def handle(self, **options: Any) -> None:
        asked = process(options["process"])
        if asked.health:
            check_answer(asked, options["port"] or DEFAULT_PORTS[asked.name])
        else:
            check_heartbeat(asked)


def check_answer(asked: Process, port: int) -> None:
    url = f"http://127.0.0.1:{port}{asked.health}"
    # The check is local; a proxy of the machine has nothing to do with it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=ANSWER_WITHIN).close()
    except (urllib.error.URLError, OSError) as problem:
        raise CommandError(f"{asked.name} does not answer at {url}: {problem}") from problem


def check_heartbeat(asked: Process) -> None:
    try:
        quiet = silence(asked.name)
    except DatabaseError as problem:
        raise CommandError(f"cannot know whether {asked.name} lives: {type(problem).__name__}") from problem
    if quiet is None:
        raise CommandError(f"{asked.name} has never given a sign of life.")
    if quiet > asked.silence:
        raise CommandError(f"{asked.name} has been silent for {quiet.total_seconds():.0f} s.")
