"""Redis away: each process decides by itself, at once, and goes on from what it knew."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as configured

from orders.resilience import TurnedAway
from orders.resilience.breaker import State, gate, shared, state_of
from orders.resilience.breaker.local import LocalBreaker
from orders.resilience.breaker.policy import Policy
from orders.resilience.breaker.verdicts import Verdict
from tests.orders.resilience.breaker.conftest import BAD, GOOD, IN_A_ROW, NAME, SHARE, Calls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gone(settings: Any) -> Any:
    """Call it to have Redis refuse; with True, to have it back."""
    there = settings.REDIS_URL
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"redis://127.0.0.1:{server.getsockname()[1]}/0"

    def switch(*, back: bool = False) -> None:
        settings.REDIS_URL = there if back else nobody

    return switch


@pytest.fixture
def hanging(settings: Any) -> Iterator[None]:
    """A Redis that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        yield


def test_it_opens_and_turns_away_alone(calls, gone):
    gone()
    assert calls.make(*[BAD] * 9) == 5
    said = calls.breaker.admit(is_retry=False)
    assert isinstance(said, TurnedAway)
    assert "no Redis" in said.reason


def test_a_redis_that_hangs_costs_one_wait_and_then_nothing(calls, hanging):
    began = time.monotonic()
    assert calls.one(GOOD)
    first = time.monotonic() - began
    began = time.monotonic()
    assert calls.make(*[GOOD] * 50) == 50
    rest = time.monotonic() - began
    assert first < 0.5
    assert rest / 50 < 0.005


def test_it_goes_on_from_the_open_breaker_it_knew(calls, gone):
    calls.make(*[BAD] * 6)
    gone()
    assert calls.make(GOOD) == 0


def test_it_goes_on_closed_where_it_knew_no_harm(calls, gone):
    calls.make(GOOD)
    gone()
    assert calls.make(*[BAD] * 9) == 5


def test_an_answer_that_comes_when_redis_has_gone_is_counted_here(calls, gone):
    tickets = [calls.breaker.admit(is_retry=False) for _ in range(5)]
    gone()
    for ticket in tickets:
        calls.breaker.report(ticket, BAD)
    assert calls.make(GOOD) == 0


def test_what_changed_here_is_handed_over_when_redis_is_back(calls, gone):
    gone()
    calls.make(*[BAD] * 5)
    gone(back=True)
    assert calls.one(GOOD)
    kept = redis.Redis.from_url(configured.REDIS_URL).lrange(shared.changes_key(), 0, -1)
    told = [json.loads(each) for each in kept]
    assert [(each["source"], each["target"], each["cause"]) for each in told] == [("closed", "open", "failures")]
    assert told[0]["process"]
    assert (told[0]["calls"], told[0]["failures"]) == (5, 5)


def test_retries_have_a_budget_here_too(calls, gone):
    gone()
    admitted = [calls.breaker.admit(is_retry=True) for _ in range(20)]
    assert sum(not isinstance(each, TurnedAway) for each in admitted) == 10


def test_the_state_is_what_was_seen_last(calls, gone):
    gone()
    assert (state_of(NAME).state, state_of(NAME).is_known) == (State.CLOSED, False)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def local(policy: dict[str, Any]) -> tuple[LocalBreaker, Clock, Policy]:
    clock = Clock()
    return LocalBreaker(NAME, clock=clock), clock, Policy(**policy)


def told(breaker: LocalBreaker, policy: Policy, *verdicts: Verdict) -> int:
    admitted = 0
    for each in verdicts:
        ticket = breaker.admit(policy, is_retry=False)
        if not isinstance(ticket, TurnedAway):
            breaker.report(ticket, each, policy)
            admitted += 1
    return admitted


def test_the_local_one_probes_and_closes():
    breaker, clock, policy = local(SHARE)
    assert told(breaker, policy, *[Verdict.FAILURE] * 12) == 10
    clock.now += policy.open
    probes = [breaker.admit(policy, is_retry=False) for _ in range(4)]
    assert [isinstance(each, TurnedAway) for each in probes] == [False, False, False, True]
    for probe in probes[:3]:
        breaker.report(probe, Verdict.SUCCESS, policy)
    assert breaker.state == "closed"


def test_the_local_one_opens_again_on_a_bad_probe_and_ignores_the_late():
    breaker, clock, policy = local(IN_A_ROW)
    late = breaker.admit(policy, is_retry=False)
    told(breaker, policy, *[Verdict.FAILURE] * 5)
    clock.now += policy.open
    assert told(breaker, policy, Verdict.FAILURE) == 1
    assert breaker.state == "open"
    breaker.report(late, Verdict.SUCCESS, policy)
    assert breaker.state == "open"


def test_the_local_window_slides():
    breaker, clock, policy = local(SHARE)
    told(breaker, policy, *[Verdict.FAILURE] * 9)
    clock.now += policy.window
    told(breaker, policy, Verdict.FAILURE)
    assert breaker.state == "closed"


def test_the_breaker_of_a_process_is_one(policy):
    assert gate.breaker(NAME) is gate.breaker(NAME)
    assert Calls().breaker is not gate.breaker(NAME)
