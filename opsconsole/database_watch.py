"""Whether PostgreSQL answers, asked on a connection of its own with a hard limit.

A server that refuses is noticed at once by whoever asks it something. One that hangs (a frozen
host, a cut cable) is noticed by nobody: every thread that asks it waits for ever, and with the
last thread gone nobody is left to say so. So each process asks once a second in a thread of its own. While there is
no answer, a web process frees the requests that wait and turns new ones away; a worker, relay, consumer or ticker
frees all its threads, whose work then ends as with any database that went away: its lease runs out and another look
is taken.
"""

import logging
import os
import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created

logger = logging.getLogger(__name__)

PATIENCE: Final = 3.0  # seconds; with EVERY: red within 5 s (issue: PostgreSQL away, also when it hangs)
CONNECT_TIMEOUT: Final = 2  # seconds, the least that libpq takes; shorter than the patience
EVERY: Final = 1.0  # seconds between questions


class Hangs(OperationalError):
    """No answer at all, within the patience."""


class _Question:
    """Asked in a thread that may be left behind; nobody waits for it longer than they want to."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.problem: Exception | None = None
        self._connection: psycopg.Connection[Any] | None = None

    def run(self) -> None:
        try:
            self._ask()
        except (psycopg.Error, OSError) as problem:
            self.problem = problem
        finally:
            self.answered.set()

    def _ask(self) -> None:
        wanted = {**connections["default"].get_connection_params(), "connect_timeout": CONNECT_TIMEOUT}
        self._connection = psycopg.connect(**wanted, autocommit=True)
        with self._connection as asked:
            (is_read_only,) = asked.execute("SELECT pg_is_in_recovery()").fetchone() or (True,)
        if is_read_only:
            raise psycopg.OperationalError("read-only")

    def leave(self) -> None:
        """End the thread's wait."""
        if self._connection is not None:
            _break(self._connection)


def ask(*, patience: float = PATIENCE) -> None:
    """Raises OperationalError unless PostgreSQL says within `patience` seconds that it takes writes; Hangs, when it
    said nothing."""
    question = _Question()
    threading.Thread(target=question.run, name="database-question", daemon=True).start()
    if not question.answered.wait(patience):
        question.leave()
        raise Hangs(f"no answer within {patience} s")
    if isinstance(question.problem, psycopg.errors.ConnectionTimeout):
        raise Hangs(str(question.problem)) from question.problem
    if question.problem is not None:
        raise OperationalError(str(question.problem)) from question.problem


def _break(asked: psycopg.Connection[Any]) -> None:
    """Whoever waits on this connection gets an OperationalError now. Safe from another thread: the descriptor is
    duplicated first."""
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(asked.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


class DatabaseWatch:
    """The one of a process."""

    def __init__(self) -> None:
        self.hangs = False
        # The connections whose threads are freed: those of the requests under way, or all of a process without any.
        self._waiting: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="database-watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    @contextmanager
    def whole_process(self) -> Iterator[None]:
        """Watch every connection that this process makes, whichever thread makes it."""
        connection_created.connect(self._remember)
        self._stop.clear()
        self.start()
        try:
            yield
        finally:
            self.stop()
            connection_created.disconnect(self._remember)

    def _remember(self, *, connection: Any, **_signal: Any) -> None:
        with self._lock:
            self._waiting.add(connection)

    @contextmanager
    def request(self) -> Iterator[None]:
        """What this thread asks PostgreSQL inside is ended when PostgreSQL hangs."""
        mine = connections["default"]
        with self._lock:
            self._waiting.add(mine)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.discard(mine)

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            self.look()

    def look(self) -> None:
        """One question, and what follows from it."""
        try:
            ask()
        except Hangs:
            self._free()
            self.hangs = True
        except OperationalError:
            self.hangs = False  # whoever asks is told so at once
        else:
            self.hangs = False

    def _free(self) -> None:
        with self._lock:
            waiting = [each.connection for each in self._waiting if each.connection is not None]
        logger.error("PostgreSQL hangs: %d connections are given up", len(waiting))
        for each in waiting:
            _break(each)


WATCH: Final = DatabaseWatch()
