"""What is to be done later, by a few hands: a clock for thousands of customers in one process."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from django.db import connections

logger = logging.getLogger(__name__)

Task = Callable[[], Any]


class Agenda:
    """`with Agenda(hands=4) as agenda: agenda.after(2.5, task)`; tasks of one instant go in any order.

    A task that fails is logged and the others go on. Leaving the block drops what is not begun.
    """

    def __init__(self, *, hands: int) -> None:
        self._hands = hands
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix="traffic")
        self._later: list[tuple[float, int, Task]] = []
        self._numbers = itertools.count()
        self._change = threading.Condition()
        self._begun = 0
        self._stopped = False
        self._clock = threading.Thread(target=self._run, name="traffic-clock", daemon=True)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()
        self._clock.join()
        dismiss(self._pool, hands=self._hands)

    def after(self, seconds: float, task: Task) -> None:
        with self._change:
            heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), task))
            self._change.notify_all()

    @property
    def size(self) -> int:
        """Tasks that are planned or under way."""
        with self._change:
            return len(self._later) + self._begun

    def wait_until_empty(self, *, seconds: float) -> bool:
        """Whether nothing was left to do within `seconds`."""
        with self._change:
            return self._change.wait_for(lambda: not self._later and not self._begun, timeout=seconds)

    def _run(self) -> None:
        while (task := self._next()) is not None:
            self._pool.submit(self._done, task)

    def _next(self) -> Task | None:
        """The next task at its time; None when there is to be no next one."""
        with self._change:
            while not self._stopped:
                wait = self._later[0][0] - time.monotonic() if self._later else None
                if wait is not None and wait <= 0:
                    self._begun += 1
                    return heapq.heappop(self._later)[2]
                self._change.wait(wait)
        return None

    def _done(self, task: Task) -> None:
        try:
            if not self._stopped:
                task()
        except Exception:
            logger.exception("traffic")
        finally:
            with self._change:
                self._begun -= 1
                self._change.notify_all()


def dismiss(pool: ThreadPoolExecutor, *, hands: int) -> None:
    """End a pool of so many threads, each of which closes its own database connections."""
    # The barrier keeps the first from saying goodbye for all.
    goodbye = threading.Barrier(hands)

    def leave() -> None:
        drop_connections()
        goodbye.wait()

    for _hand in range(hands):
        pool.submit(leave)
    pool.shutdown()


def drop_connections() -> None:
    """Close this thread's database connections: a broken one must not be used again."""
    for each in connections.all(initialized_only=True):
        each.close()
