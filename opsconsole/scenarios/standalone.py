"""A platform of its own for one run: started, driven, left to settle, stopped; its data stay.

The run itself is the same command against that platform, as a child. Only what must be done by the one
who started the processes is done here: killing workers, when the child asks for it by SIGUSR1.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from opsconsole.launching import Refused
from opsconsole.paths import PROJECT, data_dir
from opsconsole.processes import table
from opsconsole.runner.child import Child
from opsconsole.runner.output import Log
from opsconsole.runner.plan import Plan
from opsconsole.runner.ports import taken_ports
from opsconsole.runner.supervisor import Supervisor
from opsconsole.scenarios import limits
from opsconsole.scenarios.january12 import NAME
from opsconsole.upstreams import LIMITS, NEIGHBOURS
from orders.models import Order

# Simulated seconds a second: a rent of an hour lasts nine seconds, a partner gives up after twelve.
SPEED = 400
# Nobody looks at a screen here, and nothing is notified or imported.
LEFT_OUT = ("worker-notify", "worker-bulk")
ACT_WORKERS = 2
# A partner that never answers costs its whole time limit each time; the incident's were short too.
TIME_LIMITS = dict.fromkeys(("TPG", "RENT", "DELIVERY", "SHUTTLE", "HO"), "2")
READY_WITHIN = 300.0  # seconds; a machine shared with many test runs takes its time
FIRST_PORT, LAST_PORT = 23_000, 31_000
PORTS = 1 + len(NEIGHBOURS)


@dataclass(frozen=True)
class Platform:
    """Where the processes listen."""

    data: Path
    port: int

    @property
    def plan(self) -> Plan:
        return Plan(data=self.data, port=self.port, demo=True, fresh=False, act_workers=ACT_WORKERS)

    @property
    def sandbox_port(self) -> int:
        return self.port + 1

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **{f"{name}_TIMEOUT": seconds for name, seconds in TIME_LIMITS.items()},
            "OPSCONSOLE_URL": self.plan.address,
            "OPSCONSOLE_DEMO": "yes",
            "DISPATCH_HOLD_MINUTES": "0",  # its minutes last seconds
            # A minute of an open breaker is hours there, and would leave more hanging than was planted.
            **{f"{name.upper()}_BREAKER": "off" for name in LIMITS},
            "SANDBOX_PORT": str(self.sandbox_port),
            "STATIC_MANIFEST": "no",
            "LOG_LEVEL": "ERROR",
        }

    def children(self, *, fresh_books: bool) -> list[Child]:
        more = {
            "web": ("--port", str(self.port)),
            "sandbox": ("--speed", str(SPEED), *(["--fresh"] if fresh_books else [])),
        }
        return [
            Child(name, process, (*process.command, *more.get(process.name, ())), self.environment())
            for process in table(act_workers=ACT_WORKERS)
            if process.name not in LEFT_OUT
            for name in process.copies()
        ]


def run(options: dict[str, Any]) -> int:
    """The exit code of the run. CommandError where there cannot be one."""
    call_command("migrate", interactive=False, verbosity=0)
    platform = Platform(data_dir(), free_row())
    try:
        claim = platform.plan.claim()
    except Refused as problem:
        raise CommandError(f"{problem} Without --standalone the scenario uses that run.", returncode=2) from problem
    with contextlib.closing(claim), _running(platform):
        return _drive(platform, options)


@contextlib.contextmanager
def _running(platform: Platform) -> Iterator[None]:
    logs = platform.data / "log"
    logs.mkdir(parents=True, exist_ok=True)
    # Books that know orders of a database that is gone would answer for its successors.
    children = platform.children(fresh_books=not Order.objects.exists())
    with (logs / "scenario.log").open("a") as out:
        supervisor = Supervisor(children, Log(out), platform.data / "scenario.json")
        # The children's lives hang on the thread that starts them, so it lives as long as they do.
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        signal.signal(signal.SIGUSR1, lambda *_: kill_workers(children))
        try:
            wait_until_ready(platform.sandbox_port, platform.plan.address)
            yield
        finally:
            supervisor.note_stop(signal.SIGTERM, None)
            thread.join()


def kill_workers(children: list[Child]) -> None:
    """In the middle of whatever they do; the supervisor starts new ones."""
    for child in children:
        if child.process.queue == "act":
            child.kill()


def wait_until_ready(sandbox_port: int, address: str) -> None:
    until = time.monotonic() + READY_WITHIN
    for url in (f"http://127.0.0.1:{sandbox_port}/health", f"{address}/health"):
        while not _answers(url):
            if time.monotonic() > until:
                raise CommandError(f"{url} does not answer; the logs in {data_dir()}/log say why", returncode=2)
            time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - always our own http address
            return bool(answer.status == 200)
    except OSError:
        return False


def _drive(platform: Platform, options: dict[str, Any]) -> int:
    child = subprocess.Popen([*_command(options)], cwd=PROJECT, env=platform.environment())
    try:
        return child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def _command(options: dict[str, Any]) -> Iterator[str]:
    yield from (sys.executable, str(PROJECT / "manage.py"), "scenario", NAME, "--in-standalone")
    yield from ("--orders", str(options["orders"]), "--seed", str(options["seed"]), "--rate", str(options["rate"]))
    yield from ("--mix", options["mix"])
    if options["truth"]:
        yield from ("--truth", str(Path(options["truth"]).absolute()))
    if options["through"]:
        yield from ("--through", options["through"])
    if options["json"]:
        yield "--json"


def free_row() -> int:
    """The first of a row of free ports; two runs at a time begin to look at different places."""
    count = (LAST_PORT - FIRST_PORT) // PORTS
    for step in range(count):
        first = FIRST_PORT + (os.getpid() * 7 + step) % count * PORTS
        if not taken_ports(range(first, first + PORTS)):
            return first
    raise CommandError("no free ports for a platform of its own", returncode=2)


def let_limits_pass(say: Any) -> None:
    """Nothing moves any more: write limits as short as the run, and wait until they are over."""
    limits.shorten(limits.SETTLED, by=f"{limits.MARK}{NAME}")
    say(f"waiting {limits.SETTLED.seconds} s until everything that stands still is past its limit")
    threading.Event().wait(limits.SETTLED.total_seconds())
