"""What breaks for real while the orders come: neighbours that are away, a database without a free
connection, workers killed in the middle of a step. All of it ends, and the platform has to heal."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from django.db import connection

from opsconsole.sandbox.remote import RemoteSandbox

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
GRASP_EVERY = 0.2  # seconds
EMBEDDED = "opsconsole-"  # how the folder of the embedded servers' sockets begins


@dataclass(frozen=True, slots=True)
class Outage:
    """A neighbour away while the run is between two shares of its orders."""

    neighbour: str
    begins: float
    ends: float


OUTAGES = (Outage("midtrans", 0.30, 0.34), Outage("tpg", 0.42, 0.50), Outage("ho", 0.56, 0.64))
POOL_RUNS_DRY = 0.72
WORKERS_DIE = 0.86
# Longer than the twelve seconds in which a partner gives up at the speed of a standalone run. In a
# small run most trips would end in that time, so there it is short and everything heals.
DRY_SECONDS, SHORT_DRY_SECONDS = 15.0, 4.0
SMALL_RUN = 300


@dataclass
class Accidents:
    """`look` is called with the share of orders placed so far; each accident happens once.

    `dry_seconds` 0 leaves the database alone; `kill_workers` None leaves the workers alone.
    """

    sandbox: RemoteSandbox
    dry_seconds: float
    kill_workers: Callable[[], None] | None
    say: Say
    _happened: set[object] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def look(self, progress: float) -> None:
        for outage in OUTAGES:
            if progress >= outage.begins and self._first((outage, "begins")):
                self._switch(outage.neighbour, down=True)
            if progress >= outage.ends and self._first((outage, "ends")):
                self._switch(outage.neighbour, down=False)
        if self.dry_seconds and progress >= POOL_RUNS_DRY and self._first("dry"):
            self._beside(self._run_dry)
        if self.kill_workers and progress >= WORKERS_DIE and self._first("kill"):
            self.say("the workers are killed")
            self.kill_workers()

    def end(self) -> None:
        """All neighbours are back, all connections given back."""
        for outage in OUTAGES:
            if (outage, "begins") in self._happened and self._first((outage, "ends")):
                self._switch(outage.neighbour, down=False)
        for thread in self._threads:
            thread.join()

    def _first(self, what: object) -> bool:
        is_first = what not in self._happened
        self._happened.add(what)
        return is_first

    def _switch(self, neighbour: str, *, down: bool) -> None:
        self.say(f"{neighbour} is {'down' if down else 'back'}")
        self.sandbox.faults(neighbour, down=down)

    def _beside(self, act: Callable[[], None]) -> None:
        thread = threading.Thread(target=act, name="accident")
        thread.start()
        self._threads.append(thread)

    def _run_dry(self) -> None:
        self.say("the database has no free connection")
        with dry_pool() as held:
            until = time.monotonic() + self.dry_seconds
            while time.monotonic() < until:
                held.grasp()
                time.sleep(GRASP_EVERY)
            taken = held.count
        self.say(f"the database has free connections again ({taken} were held)")


def dry_seconds(orders: int) -> float:
    """For how long a run of so many orders leaves the database without a free connection."""
    if not database_is_ours():
        return 0.0
    return DRY_SECONDS if orders >= SMALL_RUN else SHORT_DRY_SECONDS


def database_is_ours() -> bool:
    """Only the embedded server: emptying a named one would hurt its other users."""
    folder = str(connection.settings_dict["HOST"]).rpartition("/")[2]
    return folder.startswith(EMBEDDED)


class Held:
    """Connections taken from everybody else, and theirs ended so that these can be had too."""

    def __init__(self) -> None:
        self._own: list[psycopg.Connection] = []
        self._conninfo = _conninfo()

    @property
    def count(self) -> int:
        return len(self._own)

    def grasp(self) -> None:
        """End the others' connections and take every free one."""
        self._end_others()
        with suppress(psycopg.OperationalError):
            while True:
                self._own.append(psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5))

    def _end_others(self) -> None:
        if not self._own:
            return
        own = [each.info.backend_pid for each in self._own]
        self._own[0].execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL(%s)",
            [own],
        )

    def give_back(self) -> None:
        for each in self._own:
            each.close()
        self._own.clear()


@contextmanager
def dry_pool() -> Iterator[Held]:
    held = Held()
    try:
        held.grasp()
        yield held
    finally:
        held.give_back()


def _conninfo() -> str:
    known = connection.settings_dict
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {ours: str(known[theirs]) for ours, theirs in parts.items() if known.get(theirs)}
    return psycopg.conninfo.make_conninfo(**given)


def ask_parent_to_kill_workers() -> None:
    """The standalone run started them, so it is the one that may end them."""
    os.kill(os.getppid(), signal.SIGUSR1)
