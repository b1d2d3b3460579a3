"""Which piece of work a call is made for: that one order gets no answer says little of a neighbour (ADR 0122)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_work: ContextVar[str] = ContextVar("work", default="")


@contextmanager
def working_on(what: str) -> Iterator[None]:
    """Calls in here are made for this piece of work, by a name that lasts: "posting:17"."""
    token = _work.set(what)
    try:
        yield
    finally:
        _work.reset(token)


def current_work() -> str:
    """The innermost piece of work, '' for a call that stands for itself."""
    return _work.get()
