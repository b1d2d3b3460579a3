"""Who is asked before a try of a call and told after it: the neighbour's breaker, or nobody."""

import threading
from dataclasses import dataclass
from typing import Any, Protocol

from orders.resilience.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ticket:
    """Admission of one try. `probe` names its place among the probes of a half-open breaker, '' for none;
    `is_local` is set where this process decided without Redis, `is_unasked` where on what Redis said a moment ago."""

    generation: int = 0
    probe: str = ""
    is_local: bool = False
    is_unasked: bool = False


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The try must not be made: nothing was sent."""

    reason: str


class Guard(Protocol):
    def admit(self, *, is_retry: bool) -> Ticket | TurnedAway:
        """Ask before a try. `is_retry`: an earlier try of the same call has failed."""

    def report(self, ticket: Ticket, outcome: Outcome[Any]) -> None:
        """Tell the end of a try that was admitted."""


class AlwaysAdmits:
    def admit(self, *, is_retry: bool) -> Ticket | TurnedAway:
        return Ticket()

    def report(self, ticket: Ticket, outcome: Outcome[Any]) -> None:
        """Nothing to learn."""


ALWAYS = AlwaysAdmits()
_guards: dict[str, Guard] = {}
_lock = threading.Lock()


def guard(name: str) -> Guard:
    """The guard put before a neighbour, else its breaker."""
    # Breakers are made of what is above.
    from orders.resilience.breaker.gate import breaker

    return _guards.get(name) or breaker(name)


def set_guard(name: str, chosen: Guard | None) -> None:
    """Put a guard in the breaker's place, or take it away with None."""
    with _lock:
        if chosen is None:
            _guards.pop(name, None)
        else:
            _guards[name] = chosen
