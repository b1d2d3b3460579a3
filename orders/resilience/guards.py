"""One guard per neighbour: asked before a call, told after it. A breaker will sit here."""

import threading
from typing import Any, Protocol

from orders.resilience.outcome import Outcome


class Guard(Protocol):
    def refusal(self) -> str | None:
        """Why the call must not be made now, or None to admit it."""

    def report(self, outcome: Outcome[Any], *, seconds: float) -> None:
        """The end of a call that was admitted."""


class AlwaysAdmits:
    def refusal(self) -> str | None:
        return None

    def report(self, outcome: Outcome[Any], *, seconds: float) -> None:
        """Nothing to learn."""


_ALWAYS = AlwaysAdmits()
_guards: dict[str, Guard] = {}
_lock = threading.Lock()


def guard(name: str) -> Guard:
    return _guards.get(name, _ALWAYS)


def set_guard(name: str, chosen: Guard | None) -> None:
    """Put a guard before a neighbour, or take it away with None."""
    with _lock:
        if chosen is None:
            _guards.pop(name, None)
        else:
            _guards[name] = chosen
