"""The breaker in Redis: when it opens, what it lets through, and what it does not believe."""

import os

import pytest
import redis
from django.conf import settings as configured

from orders.resilience import TurnedAway
from orders.resilience.breaker import State, state_of
from orders.resilience.outcome import Refused
from tests.orders.resilience.breaker.conftest import BAD, GOOD, NAME, OURS, SHARE, Calls
from tests.sandbox_fixtures import wait_until

SHORT = 0.15  # seconds open


def test_the_fifth_failure_in_a_row_opens_it(calls):
    assert calls.make(*[BAD] * 4) == 4
    assert state_of(NAME).state == State.CLOSED
    assert calls.make(*[BAD] * 3) == 1
    assert state_of(NAME).state == State.OPEN


def test_a_success_between_failures_keeps_it_closed(calls):
    assert calls.make(*[BAD] * 4, GOOD, *[BAD] * 4) == 9
    assert state_of(NAME).state == State.CLOSED


@pytest.mark.parametrize("outcome", [OURS, Refused(422, "x", "y")])
def test_what_is_no_failure_of_theirs_never_opens_it(calls, outcome):
    assert calls.make(*[outcome] * 50) == 50
    assert state_of(NAME).state == State.CLOSED


def test_a_share_of_failures_opens_it_only_from_enough_calls_on(policy, calls):
    policy(SHARE)
    assert calls.make(*[BAD] * 9) == 9
    assert state_of(NAME).state == State.CLOSED
    calls.one(BAD)
    assert state_of(NAME).state == State.OPEN


@pytest.mark.parametrize(
    ("_case", "outcomes", "state"),
    [
        ("half of ten", [GOOD] * 5 + [BAD] * 5, State.OPEN),
        ("less than half of ten", [GOOD] * 6 + [BAD] * 4, State.CLOSED),
        ("half of eleven, all in all", [GOOD] * 6 + [BAD] * 5, State.CLOSED),
        ("half of twelve", [GOOD] * 6 + [BAD] * 6, State.OPEN),
        ("failures first", [BAD] * 5 + [GOOD] * 5, State.CLOSED),  # judged when something fails
        ("failures first, and one more", [BAD] * 5 + [GOOD] * 5 + [BAD], State.OPEN),
    ],
)
def test_the_share_is_of_all_calls_of_the_window(policy, calls, _case, outcomes, state):
    policy(SHARE)
    calls.make(*outcomes)
    assert state_of(NAME).state == state


def test_calls_leave_the_window(policy, calls):
    policy(SHARE, window=1)
    calls.make(*[BAD] * 9)
    wait_until(lambda: state_of(NAME).calls == 0, seconds=3)
    calls.one(BAD)
    assert (state_of(NAME).state, state_of(NAME).calls) == (State.CLOSED, 1)


def test_an_open_one_says_for_how_long(calls):
    calls.make(*[BAD] * 5)
    said = calls.breaker.admit(is_retry=False)
    assert isinstance(said, TurnedAway)
    assert said.reason == "breaker of tpg is open for 60 s more"


def test_it_lets_one_probe_through_and_closes_on_its_success(policy, calls):
    policy(open=SHORT)
    calls.make(*[BAD] * 5)
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    probe = calls.breaker.admit(is_retry=False)
    assert isinstance(calls.breaker.admit(is_retry=False), TurnedAway)
    calls.breaker.report(probe, GOOD)
    assert state_of(NAME).state == State.CLOSED
    assert calls.make(*[BAD] * 4) == 4
    assert state_of(NAME).state == State.CLOSED


def test_a_probe_that_fails_opens_it_again(policy, calls):
    policy(open=SHORT)
    calls.make(*[BAD] * 5)
    wait_until(lambda: calls.one(BAD))
    assert state_of(NAME).state == State.OPEN


def test_three_probes_at_a_time_and_three_successes_close(policy, calls):
    policy(SHARE, open=SHORT)
    calls.make(*[BAD] * 10)
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    probes = [calls.breaker.admit(is_retry=False) for _ in range(4)]
    assert [isinstance(each, TurnedAway) for each in probes] == [False, False, False, True]
    for probe in probes[:2]:
        calls.breaker.report(probe, GOOD)
    assert (state_of(NAME).state, state_of(NAME).good_probes) == (State.HALF_OPEN, 2)
    assert isinstance(calls.breaker.admit(is_retry=False), TurnedAway)
    calls.breaker.report(probes[2], GOOD)
    assert state_of(NAME).state == State.CLOSED


def test_a_probe_that_says_nothing_about_them_gives_its_place_back(policy, calls):
    policy(open=SHORT)
    calls.make(*[BAD] * 5)
    wait_until(lambda: calls.one(OURS))
    assert calls.one(GOOD)
    assert state_of(NAME).state == State.CLOSED


def test_a_killed_probe_frees_its_place(policy, calls):
    policy(SHARE, open=SHORT, lease=SHORT)
    calls.make(*[BAD] * 10)
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    abandoned = [calls.breaker.admit(is_retry=False) for _ in range(3)]
    assert isinstance(calls.breaker.admit(is_retry=False), TurnedAway)
    wait_until(lambda: state_of(NAME).probing == 0)
    assert calls.make(GOOD, GOOD) == 2
    for late in abandoned:  # they were not dead after all; their places are gone
        calls.breaker.report(late, BAD)
    assert state_of(NAME).state == State.HALF_OPEN
    assert calls.one(GOOD)
    assert state_of(NAME).state == State.CLOSED


def test_what_an_older_generation_tells_is_ignored(policy, calls):
    policy(open=SHORT)
    late = [calls.breaker.admit(is_retry=False) for _ in range(10)]
    calls.make(*[BAD] * 5)
    for ticket in late[:5]:  # begun before it opened
        calls.breaker.report(ticket, GOOD)
    assert state_of(NAME).state == State.OPEN
    wait_until(lambda: calls.one(GOOD))
    for ticket in late[5:]:
        calls.breaker.report(ticket, BAD)
    assert (state_of(NAME).state, state_of(NAME).failures) == (State.CLOSED, 0)


def test_processes_share_it(calls):
    child = os.fork()
    if child == 0:
        os._exit(Calls().make(*[BAD] * 5))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert calls.make(GOOD) == 0


def test_a_wiped_redis_begins_closed_and_does_not_believe_the_past(calls):
    ticket = calls.breaker.admit(is_retry=False)
    calls.make(*[BAD] * 5)
    old = calls.breaker.admit(is_retry=False)
    assert isinstance(old, TurnedAway)
    for key in redis.Redis.from_url(configured.REDIS_URL).scan_iter(f"{configured.REDIS_PREFIX}*"):
        redis.Redis.from_url(configured.REDIS_URL).delete(key)
    assert calls.make(*[BAD] * 5) == 5
    calls.breaker.report(ticket, GOOD)
    assert state_of(NAME).state == State.OPEN


def test_retries_are_a_tenth_of_the_calls(calls):
    def retries() -> int:
        return sum(not isinstance(calls.breaker.admit(is_retry=True), TurnedAway) for _ in range(30))

    assert retries() == 10
    calls.make(*[GOOD] * 50)
    assert retries() in (5, 6)  # the clock gives one more in ten seconds
    assert calls.make(*[GOOD] * 5) == 5


def test_without_a_policy_everything_is_admitted(policy, settings, calls):
    settings.BREAKERS = {}
    assert calls.make(*[BAD] * 20) == 20
    assert state_of(NAME).state == State.CLOSED
