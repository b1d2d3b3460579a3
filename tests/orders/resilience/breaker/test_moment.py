"""A moment in which nobody is asked: what it saves, what it may miss, and that nothing is lost by it."""

from dataclasses import dataclass

import pytest

from orders.resilience import TurnedAway
from orders.resilience.breaker import State, state_of
from orders.resilience.breaker.moment import LENGTH
from tests.orders.resilience.breaker.conftest import BAD, GOOD, NAME, SHARE, Calls


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def busy(calls: Calls, clock: Clock) -> Calls:
    """A process that has just heard, before its call and after it, that the breaker is closed."""
    calls.breaker.moment.clock = clock
    calls.make(GOOD)
    return calls


def admitted(calls: Calls) -> bool:
    return not isinstance(calls.breaker.admit(is_retry=False), TurnedAway)


def test_a_call_alone_is_told_at_once(calls):
    calls.make(GOOD)
    assert state_of(NAME).calls == 1


def test_within_the_moment_nobody_is_told_and_the_next_word_brings_it(busy, clock):
    before = state_of(NAME).calls
    busy.make(*[GOOD] * 20)
    assert state_of(NAME).calls == before
    clock.now += LENGTH
    busy.make(GOOD)
    assert state_of(NAME).calls == before + 21


def test_a_failure_waits_for_nothing_and_brings_the_successes_before_it(busy):
    before = state_of(NAME).calls
    busy.make(*[GOOD] * 20, BAD)
    found = state_of(NAME)
    assert (found.calls, found.failures, found.in_a_row) == (before + 21, 1, 1)


def test_successes_that_waited_are_part_of_the_share(policy, busy):
    policy(SHARE)
    busy.make(*[GOOD] * 9, *[BAD] * 9)
    assert state_of(NAME).state == State.CLOSED
    busy.make(*[BAD] * 2)
    assert state_of(NAME).state == State.OPEN


def test_a_process_that_sees_it_open_makes_no_further_call(busy):
    assert busy.make(*[BAD] * 7) == 5


def test_what_another_process_opened_is_heard_when_the_moment_ends(busy, clock):
    Calls().make(*[BAD] * 5)
    assert admitted(busy)
    clock.now += LENGTH
    assert not admitted(busy)


def test_a_success_of_before_it_opened_does_not_count_after(policy, busy, clock):
    policy(open=0.01)
    tickets = [busy.breaker.admit(is_retry=False) for _ in range(3)]
    other = Calls()
    other.make(*[BAD] * 5)
    busy.breaker.report(tickets[0], GOOD)  # it waits, for this process has heard nothing
    clock.now += LENGTH
    busy.breaker.admit(is_retry=False)
    busy.breaker.report(tickets[1], GOOD)
    assert state_of(NAME).state in (State.OPEN, State.HALF_OPEN)
    assert state_of(NAME).good_probes == 0


def test_a_retry_is_always_asked_for(busy):
    assert sum(not isinstance(busy.breaker.admit(is_retry=True), TurnedAway) for _ in range(30)) == 10


def test_calls_nobody_was_asked_about_earn_their_part_of_a_retry(busy, clock):
    while not isinstance(busy.breaker.admit(is_retry=True), TurnedAway):
        pass
    clock.now += LENGTH
    busy.make(*[GOOD] * 30)
    clock.now += LENGTH
    assert sum(not isinstance(busy.breaker.admit(is_retry=True), TurnedAway) for _ in range(30)) == 3


def test_an_answer_that_was_overtaken_begins_no_moment(busy):
    moment = busy.breaker.moment
    moment.hear("open", 7, asked_at=moment.clock())
    moment.hear("closed", 6, asked_at=moment.clock())
    assert moment.ticket() is None


def test_a_moment_counts_from_the_question(busy, clock):
    moment = busy.breaker.moment
    asked_at = clock.now
    clock.now += LENGTH
    moment.hear("closed", 0, asked_at=asked_at)
    assert moment.ticket() is None


def test_without_redis_what_it_said_holds_no_longer(busy, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    busy.make(BAD)
    assert busy.breaker.moment.ticket() is None
