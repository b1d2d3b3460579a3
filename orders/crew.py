"""A few threads that wait for neighbours side by side.

Inside a transaction other threads could not see our rows, so there everything runs in line.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from django.db import close_old_connections, connection

T = TypeVar("T")
R = TypeVar("R")


@lru_cache(maxsize=4)
def _pool(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.WORK_THREADS, thread_name_prefix=name)


def each(work: Callable[[T], R], rows: Iterable[T], *, crew: str = "rows") -> Sequence[R]:
    """`work` on every row, side by side where that is possible; answers in the order of rows.

    Work that calls `each` again names another crew: one crew waiting for itself never ends.
    """
    rows = list(rows)
    if len(rows) < 2 or settings.WORK_THREADS < 2 or connection.in_atomic_block:
        return [work(row) for row in rows]
    return _side_by_side(work, rows, _pool(crew))


def _side_by_side(work: Callable[[T], R], rows: Sequence[T], pool: ThreadPoolExecutor) -> Sequence[R]:
    """Each thread takes the next row as soon as it is free: handing every row over on its own costs the rows' time."""
    left, answers, problems = deque(enumerate(rows)), dict[int, R](), dict[int, Exception]()

    def take_turns() -> None:
        with suppress(IndexError):
            while True:
                place, row = left.popleft()
                try:
                    answers[place] = _with_fresh_connection(work, row)
                except Exception as problem:  # noqa: BLE001 - raised below
                    problems[place] = problem

    threads = range(min(len(rows), settings.WORK_THREADS))
    for done in [pool.submit(copy_context().run, take_turns) for _thread in threads]:
        done.result()
    if problems:
        raise problems[min(problems)]
    return [answers[place] for place in range(len(rows))]


def _with_fresh_connection(work: Callable[[T], R], row: T) -> R:
    close_old_connections()
    return work(row)
