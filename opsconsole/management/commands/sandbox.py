"""`manage.py sandbox`: every neighbour of the platform, simulated, until it is told to stop."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from opsconsole.sandbox import Sandbox, Secrets

BOOKS = "sandbox.sqlite3"
MEMORY = ":memory:"


class Command(BaseCommand):
    help = "Run the simulated neighbours: gateways, TPG, partners, HO and the rest (docs/sandbox.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port-base", type=int, default=settings.SANDBOX_PORT)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--app-url", default=settings.PUBLIC_URL, help="who is called back")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--speed", type=float, default=60.0, help="simulated seconds a second")
        parser.add_argument("--store", default="", help=f"file of the books, or {MEMORY}")
        parser.add_argument("--fresh", action="store_true", help="forget the books first")

    def handle(self, **options: Any) -> None:
        store = _store(options["store"])
        if options["fresh"] and store is not None:
            _forget(store)
        sandbox = _started(options, store=store)
        self.stdout.write(f"Sandbox: {sandbox.control_url} (docs/sandbox.md)")
        stop = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stop.set())
        stop.wait()
        sandbox.stop()


def _store(given: str) -> Path | None:
    if given == MEMORY:
        return None
    return Path(given) if given else Path(settings.DATA_DIR) / BOOKS


def _forget(store: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)


def _started(options: dict[str, Any], *, store: Path | None) -> Sandbox:
    try:
        return Sandbox(
            secrets=Secrets(settings.GATEWAYS, settings.TPG, settings.PARTNERS),
            port_base=options["port_base"],
            store=store,
            app_url=options["app_url"],
            seed=options["seed"],
            speed=options["speed"],
            host=options["host"],
        ).start()
    except OSError as error:
        raise CommandError(f"The sandbox cannot start: {error}", returncode=2) from error
