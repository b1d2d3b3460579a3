"""A breaker of this process alone, for the time that Redis is away.

The same rules as in `breaker.lua`, on this process' clock. Probes need no lease here: they die with
the process that would count them.
"""

import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from orders.resilience.breaker.policy import Policy
from orders.resilience.breaker.verdicts import Verdict
from orders.resilience.guards import Ticket, TurnedAway

MOST_TOKENS: Final = 10.0
MOST_CHANGES: Final = 100


@dataclass
class LocalBreaker:
    """Everything under one lock; no call to the outside is made while it is held."""

    name: str
    clock: Callable[[], float] = time.monotonic
    state: str = "closed"
    changes: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_CHANGES))
    _generation: int = 1
    _ends: float = 0.0
    _in_a_row: int = 0
    _good_probes: int = 0
    _probing: int = 0
    _calls: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=10_000))
    _tokens: float = MOST_TOKENS
    _forced: str = ""
    _lock: Lock = field(default_factory=Lock)

    def take_over(self, state: str, *, left: float) -> None:
        """Begin where the shared breaker stopped: it was in `state` for `left` more seconds."""
        with self._lock:
            self._forced = state.removeprefix("forced_") if state.startswith("forced_") else ""
            self._begin("open" if state in ("open", "forced_open") else "closed")
            self._ends = self.clock() + left

    def force(self, mode: str) -> None:
        """The operator's word as PostgreSQL has it: 'open', 'closed' or '' for none."""
        with self._lock:
            if mode != self._forced:
                self._forced = mode
                self._begin("open" if mode == "open" else "closed")

    def admit(self, policy: Policy, *, is_retry: bool) -> Ticket | TurnedAway:
        with self._lock:
            self._settle()
            if self._forced == "open" or (not self._forced and self.state == "open"):
                return TurnedAway(f"breaker of {self.name} is open (this process alone: no Redis)")
            if not self._spend(is_retry=is_retry):
                return TurnedAway(f"retry budget of {self.name} is spent")
            return self._ticket(policy)

    def report(self, ticket: Ticket, verdict: Verdict, policy: Policy) -> None:
        with self._lock:
            self._settle()
            if ticket.generation != self._generation:
                return
            self._probing -= bool(ticket.probe)
            if verdict is not Verdict.OURS:
                self._count(policy, is_failure=verdict is Verdict.FAILURE)

    def _ticket(self, policy: Policy) -> Ticket | TurnedAway:
        if self._forced or self.state == "closed":
            return Ticket(self._generation, is_local=True)
        if self._good_probes + self._probing >= policy.probes:
            return TurnedAway(f"breaker of {self.name} lets only probes through")
        self._probing += 1
        return Ticket(self._generation, probe="local", is_local=True)

    def _settle(self) -> None:
        if not self._forced and self.state == "open" and self._ends <= self.clock():
            self._enter("half_open", "time")

    def _spend(self, *, is_retry: bool) -> bool:
        if is_retry and self._tokens < 1:
            return False
        self._tokens = self._tokens - 1 if is_retry else min(MOST_TOKENS, self._tokens + 0.1)
        return True

    def _count(self, policy: Policy, *, is_failure: bool) -> None:
        now = self.clock()
        self._calls.append((now, is_failure))
        while self._calls and self._calls[0][0] <= now - policy.window:
            self._calls.popleft()
        if self._forced:
            return
        if self.state == "half_open":
            self._probed(policy, is_failure=is_failure)
            return
        self._in_a_row = self._in_a_row + 1 if is_failure else 0
        if is_failure and self._is_too_much(policy):
            self._open(policy, "failures")

    def _probed(self, policy: Policy, *, is_failure: bool) -> None:
        self._good_probes += not is_failure
        if is_failure:
            self._open(policy, "probe")
        elif self._good_probes >= policy.probes:
            self._enter("closed", "probes")

    def _is_too_much(self, policy: Policy) -> bool:
        if policy.consecutive and self._in_a_row >= policy.consecutive:
            return True
        failures = sum(bad for _at, bad in self._calls)
        return bool(policy.calls) and len(self._calls) >= policy.calls and failures >= policy.ratio * len(self._calls)

    def _open(self, policy: Policy, cause: str) -> None:
        self._enter("open", cause)
        self._ends = self.clock() + policy.open

    def _enter(self, target: str, cause: str) -> None:
        self.changes.append(json.dumps(self._change(target, cause)))
        self._begin(target)

    def _begin(self, target: str) -> None:
        self.state, self._generation = target, self._generation + 1
        self._in_a_row = self._good_probes = self._probing = 0
        if target == "closed":
            self._calls.clear()

    def _change(self, target: str, cause: str) -> dict[str, Any]:
        """The wall clock here: it is for people, and nothing is decided by it."""
        at = int(time.time() * 1000)
        return {
            "key": f"{self.name}:{os.getpid()}:{self._generation}:{at}",
            "upstream": self.name,
            "source": self.state,
            "target": target,
            "cause": cause,
            "at": at,
            "until": 0,
            "calls": len(self._calls),
            "failures": sum(bad for _at, bad in self._calls),
            "process": os.getpid(),
        }
