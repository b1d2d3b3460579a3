"""The long-running loops that are neither web nor RQ: one shape for ticker and relay."""

import logging
import signal
import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

from orders.heartbeats import beat

logger = logging.getLogger(__name__)


def until_stopped(name: str, *, turn: Callable[[], float]) -> None:
    """Call `turn` until SIGTERM or SIGINT; it answers how many seconds to rest.

    A database that is away never ends the loop: the connection is thrown away and made anew.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    while not stop.is_set():
        rest = 1.0
        try:
            close_old_connections()
            rest = turn()
            beat(name, detail={})
        except DatabaseError as problem:
            logger.warning("%s: no database (%s)", name, type(problem).__name__)
            connection.close()
        stop.wait(rest)
