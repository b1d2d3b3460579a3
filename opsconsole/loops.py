"""The long-running loops that are neither web nor RQ: one shape for ticker, relay and consumer."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Final

from django.db import Error, close_old_connections, connection

from opsconsole.database_watch import WATCH
from orders.heartbeats import beat

logger = logging.getLogger(__name__)
NO_DATABASE: Final = 1.0  # seconds until the next turn


def until_stopped(name: str, *, turn: Callable[[], float]) -> None:
    """Call `turn` until SIGTERM or SIGINT; it answers how many seconds to rest.

    A database that is away, or hangs, never ends the loop: the connection is thrown away and made anew.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with WATCH.whole_process():
        while not stop.is_set():
            stop.wait(_go(name, turn))


def _go(name: str, turn: Callable[[], float]) -> float:
    try:
        close_old_connections()
        rest = turn()
        beat(name, detail={})
    except Error as problem:
        logger.warning("%s: no database (%s)", name, type(problem).__name__)
        connection.close()
        return NO_DATABASE
    return rest
