"""Waiting for a condition instead of for the clock."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within: float = 10.0, every: float = 0.05) -> T:
    """What `look` returns once that is true; fails after `within` seconds with what it returned last."""
    deadline = time.monotonic() + within
    pause = Event()
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not so within {within} s: {look} is {seen!r}"
        pause.wait(every)
    return seen
