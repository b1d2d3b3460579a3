"""What Redis said of a closed breaker a moment ago, and what it was not told since.

Where many calls are made at once, most would hear what the call before them heard. They are admitted on its word, and
their successes wait for the next question or report. Failures never wait (ADR 0030).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from orders.resilience.guards import Ticket

LENGTH: Final = 0.05  # seconds; so long another process' opening may go unheard


@dataclass(frozen=True, slots=True)
class Untold:
    """Calls of one generation: how many were admitted unasked, and how many of those succeeded."""

    generation: int = 0
    calls: int = 0
    successes: int = 0


@dataclass
class Moment:
    """Of one breaker in one process. Nobody is called while the lock is held."""

    clock: Callable[[], float] = time.monotonic
    _generation: int = -1
    _ends: float = 0.0
    _calls: int = 0
    _successes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def ticket(self) -> Ticket | None:
        """Admission on what was heard, or None where Redis must be asked."""
        with self._lock:
            if self.clock() >= self._ends:
                return None
            self._calls += 1
            return Ticket(self._generation, is_unasked=True)

    def keep_success(self, ticket: Ticket) -> bool:
        """Whether this success may wait to be told: only of a call that nobody was asked about."""
        with self._lock:
            fits = ticket.is_unasked and ticket.generation == self._generation and self.clock() < self._ends
            self._successes += fits
            return fits

    def take_untold(self) -> Untold:
        """What the next word to Redis carries; it is not kept any longer."""
        with self._lock:
            found = Untold(max(0, self._generation), self._calls, self._successes)
            self._calls = self._successes = 0
            return found

    def hear(self, state: str, generation: int, *, asked_at: float) -> None:
        """What Redis answered to a word sent at `asked_at` (this clock).

        Another generation than before ends the moment, for answers may overtake one another; the next answer begins
        a new one.
        """
        with self._lock:
            is_closed = state == "closed" and generation == self._generation
            self._ends = max(self._ends, asked_at + LENGTH) if is_closed else 0.0
            if generation != self._generation:
                self._generation, self._calls, self._successes = generation, 0, 0

    def end(self) -> None:
        """Redis is away: what it said no longer holds."""
        with self._lock:
            self._generation, self._ends, self._calls, self._successes = -1, 0.0, 0, 0
