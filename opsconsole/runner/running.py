"""The course of one run: claim, servers, preparation, processes, and the words printed when the console answers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from opsconsole import embedded
from opsconsole.embedded.places import Places, Urls
from opsconsole.given import check_given_servers
from opsconsole.launching import Refused, given_servers
from opsconsole.paths import PROJECT
from opsconsole.processes import process
from opsconsole.runner.leftovers import end_leftovers
from opsconsole.runner.output import Log
from opsconsole.runner.plan import Plan
from opsconsole.runner.supervisor import Supervisor, listen_for_stop


def run(plan: Plan, log: Log) -> None:
    """Everything from the first check to the last process gone. Refused, UnfitServer, CannotServe: nothing runs."""
    # A shell starts background jobs deaf to Ctrl-C; whoever sends it means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    claim = plan.claim()
    notes = plan.data / "run.json"
    if ended := end_leftovers(notes):
        log.line("run", f"took over from a run that was killed ({ended} processes of it have ended)")
    plan.check_ports()
    if plan.fresh:
        plan.clear()
    with contextlib.closing(claim), _servers(plan, log) as urls:
        environment = plan.environment(database_url=urls.database, redis_url=urls.redis)
        _prepare(plan, log, environment)
        supervisor = Supervisor(plan.children(environment), log, notes)
        supervisor.on_tick = Watch(plan, log).look
        supervisor.answers = lambda child: answers(plan.url_of(child.process))
        listen_for_stop(supervisor)
        supervisor.run()
    log.line("run", "stopped")


@contextlib.contextmanager
def _servers(plan: Plan, log: Log) -> Iterator[Urls]:
    if given_servers():
        check_given_servers()
        yield Urls(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
        return
    log.line("run", f"starting PostgreSQL and Redis in {plan.data}")
    with embedded.servers(plan.data) as urls:
        yield urls


def _prepare(plan: Plan, log: Log, environment: dict[str, str]) -> None:
    """Migrations, static files, demo: in a process of its own, which has the servers' addresses in its settings."""
    log.line("run", "preparing the database" + (" and the demo" if plan.demo else ""))
    demo = ["--demo", *(["--no-orders-of-today"] if plan.night else [])] if plan.demo else []
    command = [sys.executable, str(PROJECT / "manage.py"), "prepare", *demo]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as preparing:
        try:
            for line in preparing.stdout or ():
                log.line("prepare", line.rstrip())
        except BaseException:
            preparing.terminate()
            raise
    if preparing.returncode != 0:
        raise Refused("the database could not be prepared; the lines above say why.")


@dataclass
class Watch:
    """Looks after the servers, and says where the console is once it answers."""

    plan: Plan
    log: Log
    announced: bool = False
    next_look: float = 0.0
    heard: int = 0

    def __post_init__(self) -> None:
        self.heard = len(self._keeper_words())

    def look(self) -> None:
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + 1
        if not given_servers():
            embedded.revive(self.plan.data)
            self._pass_on_keeper()
        if not self.announced and answers(self.plan.url_of(process("web"))):
            self.announced = True
            announce(self.plan, self.log)

    def _pass_on_keeper(self) -> None:
        """What happens to the servers belongs into the one log as well."""
        lines = self._keeper_words()
        for line in lines[self.heard :]:
            self.log.line("servers", line)
        self.heard = len(lines)

    def _keeper_words(self) -> list[str]:
        log = Places(self.plan.data).logs / "keeper.log"
        return log.read_text(errors="replace").splitlines() if log.exists() else []


def answers(url: str) -> bool:
    """True when the console answers at all; what it answers is its own business."""
    try:
        urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - always our own http address
    except urllib.error.HTTPError as refusal:
        return refusal.code < 500
    except OSError:
        return False
    return True


def announce(plan: Plan, log: Log) -> None:
    lines = [f"the console is at {plan.address}/", f"the sandbox is at {plan.url_of(process('sandbox'))}"]
    if plan.demo:
        lines += sign_ins()
    for line in [*lines, "Ctrl-C stops everything"]:
        log.line("run", line)


def sign_ins() -> list[str]:
    from opsconsole.console.demo_users import DEMO_PASSWORD, DEMO_USERS

    people = [f"sign in as {person.username:<8} {person.role_label}" for person in DEMO_USERS]
    return [*people, f"the password of each is {DEMO_PASSWORD}"]
