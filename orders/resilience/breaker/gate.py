"""The breaker of a neighbour as the calls see it: the shared one, or this process' own while Redis is away."""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

from django.db import DatabaseError, connection
from prometheus_client import Counter

from orders.resilience.breaker import overrides, shared
from orders.resilience.breaker.local import LocalBreaker
from orders.resilience.breaker.moment import Moment
from orders.resilience.breaker.policy import Policy, policy_of
from orders.resilience.breaker.verdicts import Verdict, verdict
from orders.resilience.breaker.work import current_work
from orders.resilience.guards import ALWAYS, Guard, Ticket, TurnedAway
from orders.resilience.outcome import Outcome

logger = logging.getLogger(__name__)

OVERRIDES_EVERY: Final = 5.0  # seconds between looks for an operator's word while Redis is away
TURNED_AWAY = Counter(
    "orderorchestrator_breaker_turned_away",
    "Tries that were not made, by why: open, forced_open, half_open, budget, local.",
    ["upstream", "why"],
)
_WORDS: Final = {
    "open": "breaker of {name} is open for {left:.0f} s more",
    "forced_open": "breaker of {name} was opened by hand, for {left:.0f} s more",
    "half_open": "breaker of {name} lets only probes through",
    "budget": "retry budget of {name} is spent",
}


@dataclass
class Breaker:
    """One per process and neighbour. It keeps what the shared one said last, to go on from there alone."""

    name: str
    local: LocalBreaker = field(init=False)
    moment: Moment = field(default_factory=Moment)
    _last: tuple[str, float] = ("closed", 0.0)  # state, and the instant (monotonic) it holds until
    _is_alone: bool = False
    _overrides_at: float = 0.0

    def __post_init__(self) -> None:
        self.local = LocalBreaker(self.name)

    def admit(self, *, is_retry: bool) -> Ticket | TurnedAway:
        policy = policy_of(self.name)
        if policy is None:
            return Ticket()
        if not is_retry and (ticket := self.moment.ticket()):
            return ticket
        probe = uuid.uuid4().hex
        found = self._say("acquire", policy, probe, int(is_retry))
        if found is None:
            return self._admit_alone(policy, is_retry=is_retry)
        self._together(policy)
        return self._told(found, probe=probe)

    def report(self, ticket: Ticket, outcome: Outcome[Any]) -> None:
        policy = policy_of(self.name)
        if policy is None:
            return
        said = verdict(outcome)
        if ticket.is_local:
            self.local.report(ticket, said, policy)
            return
        if said is Verdict.SUCCESS and self.moment.keep_success(ticket):
            return
        told = ticket.generation, ticket.probe, said.value, current_work(), int(policy.look * 1000)
        if self._say("report", policy, *told) is None:
            self._witness_alone(said, policy)

    def _say(self, verb: str, policy: Policy, *args: Any) -> Sequence[Any] | None:
        """A word to Redis, with what it was not told, and what it says of the breaker; None where it is away."""
        untold, asked_at = self.moment.take_untold(), self.moment.clock()
        found = shared.run(verb, self.name, policy, *args, untold.generation, untold.calls, untold.successes)
        if found is None:
            self.moment.end()
            return None
        answer, state, generation, *_more = found
        self.moment.hear("" if answer == "late" else state, int(generation), asked_at=asked_at)
        return cast("Sequence[Any]", found)

    def _told(self, found: Sequence[Any], *, probe: str) -> Ticket | TurnedAway:
        admitted, why, generation, left_ms, is_probe = found
        left = int(left_ms) / 1000
        if why != "budget":
            self._last = why, time.monotonic() + left
        if admitted:
            return Ticket(int(generation), probe=probe if is_probe else "")
        TURNED_AWAY.labels(self.name, why).inc()
        return TurnedAway(_WORDS[why].format(name=self.name, left=left))

    def _admit_alone(self, policy: Policy, *, is_retry: bool) -> Ticket | TurnedAway:
        self._begin_alone()
        self._hear_operator()
        found = self.local.admit(policy, is_retry=is_retry)
        if isinstance(found, TurnedAway):
            TURNED_AWAY.labels(self.name, "local").inc()
        return found

    def _witness_alone(self, said: Verdict, policy: Policy) -> None:
        """Redis went away between the question and the answer: the answer still counts here."""
        self._begin_alone()
        admitted = self.local.admit(policy, is_retry=False)
        if isinstance(admitted, Ticket):
            self.local.report(admitted, said, policy)

    def _begin_alone(self) -> None:
        if not self._is_alone:
            self._is_alone = True
            state, holds_until = self._last
            self.local.take_over(state, left=max(0.0, holds_until - time.monotonic()))

    def _hear_operator(self) -> None:
        """What a person decided is a row, and holds without Redis too. Never inside somebody's transaction."""
        now = time.monotonic()
        if now < self._overrides_at or connection.in_atomic_block:
            return
        self._overrides_at = now + OVERRIDES_EVERY
        try:
            self.local.force(overrides.mode_of(self.name))
        except DatabaseError as problem:
            logger.warning("breaker of %s: no operator's word (%s)", self.name, type(problem).__name__)

    def _together(self, policy: Policy) -> None:
        """Redis is back: what happened here meanwhile is handed over to be written down."""
        self._is_alone, self._overrides_at = False, 0.0
        while self.local.changes:
            change = self.local.changes.popleft()
            if shared.run("tell", self.name, policy, change) is None:
                self.local.changes.appendleft(change)
                return


@cache
def _breaker(name: str) -> Breaker:
    return Breaker(name)


def breaker(name: str) -> Guard:
    """The breaker of this process for a neighbour; one that admits everything where it has no policy."""
    return ALWAYS if policy_of(name) is None else _breaker(name)


def forget() -> None:
    """Begin as a new process would; for tests."""
    _breaker.cache_clear()
