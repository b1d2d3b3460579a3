"""A few threads that wait for neighbours side by side.

Inside a transaction other threads could not see our rows, so there everything runs in line.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
    futures: list[Future[R]] = [
        _pool(crew).submit(copy_context().run, _with_fresh_connection, work, row) for row in rows
    ]
    return [future.result() for future in futures]


def _with_fresh_connection(work: Callable[[T], R], row: T) -> R:
    close_old_connections()
    return work(row)
