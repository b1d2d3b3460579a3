"""A breaker of one test: keys of its own in the Redis of the tests, and short spans."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orders.resilience import TurnedAway
from orders.resilience.breaker import gate, working_on
from orders.resilience.breaker.gate import Breaker
from orders.resilience.outcome import Answered, Outcome, Retryable, Unknown

NAME = "tpg"
GOOD, BAD, OURS = Answered(200, None), Unknown("status 500"), Retryable("no time", ours=True)
IN_A_ROW = {"consecutive": 5, "open": 60.0, "probes": 1}
SHARE = {"consecutive": 0, "calls": 10, "ratio": 0.5, "window": 60, "open": 60.0, "probes": 3, "lease": 30.0}


class Calls:
    """What a process does with its breaker of one neighbour."""

    def __init__(self) -> None:
        self.breaker = Breaker(NAME)

    def make(self, *outcomes: Outcome[Any]) -> int:
        """Call once for each outcome. How many were admitted."""
        return sum(self.one(outcome) for outcome in outcomes)

    def about(self, work: str, *outcomes: Outcome[Any]) -> int:
        """The same for one piece of work, at one look."""
        with working_on(work):
            return self.make(*outcomes)

    def one(self, outcome: Outcome[Any]) -> bool:
        ticket = self.breaker.admit(is_retry=False)
        if isinstance(ticket, TurnedAway):
            return False
        self.breaker.report(ticket, outcome)
        return True


@pytest.fixture
def policy(settings: Any) -> Iterator[Callable[..., None]]:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.UPSTREAMS = {NAME: {"url": "http://127.0.0.1:9", "timeout": 5.0, "tries": 3}}

    def choose(base: dict[str, Any] = IN_A_ROW, **changes: Any) -> None:
        settings.BREAKERS = {NAME: {**base, **changes}}

    choose()
    yield choose
    gate.forget()


@pytest.fixture
def calls(policy: Any) -> Calls:
    return Calls()
