"""Operators' words about breakers, and the ticker's round that keeps rows and Redis of one mind."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import BreakerChange, BreakerOverride, Heartbeat, History
from orders.resilience import TurnedAway
from orders.resilience.breaker import State, gate, shared, state_of
from orders.resilience.breaker.gate import Breaker
from orders.resilience.outcome import Answered, Unknown
from orders.services import breakers
from tests.sandbox_fixtures import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "ho"
WHO = {"reason": "HO says they are down", "actor": "user:sari"}


@pytest.fixture(autouse=True)
def one_breaker(settings: Any) -> Iterator[None]:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.UPSTREAMS = {NAME: {"url": "http://127.0.0.1:9", "timeout": 5.0, "tries": 3}}
    settings.BREAKERS = {NAME: {"consecutive": 5, "open": 60.0, "probes": 1}}
    yield
    gate.forget()


def soon(seconds: float = 600) -> Any:
    return timezone.now() + timedelta(seconds=seconds)


def is_admitted() -> bool:
    return not isinstance(Breaker(NAME).admit(is_retry=False), TurnedAway)


def fail(times: int = 5) -> None:
    breaker = Breaker(NAME)
    for _ in range(times):
        ticket = breaker.admit(is_retry=False)
        if not isinstance(ticket, TurnedAway):
            breaker.report(ticket, Unknown("status 500"))


def wipe(settings: Any) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}*"):
        client.delete(key)


def changes() -> list[tuple[str, str, str]]:
    return list(BreakerChange.objects.order_by("id").values_list("source", "target", "cause"))


def test_forced_open_turns_away_at_once_and_is_written_down():
    breakers.force(NAME, "open", until=soon(), **WHO)
    assert not is_admitted()
    assert (state_of(NAME).state, state_of(NAME).is_open) == (State.FORCED_OPEN, True)
    change = BreakerChange.objects.get()
    assert (change.source, change.target, change.cause) == ("closed", "forced_open", "operator")
    assert (change.actor, change.reason) == ("user:sari", "HO says they are down")
    kept = History.objects.get(order_id=0, verb="operate_breaker")
    assert (kept.actor, kept.detail["upstream"], kept.detail["now"]) == ("user:sari", NAME, "forced_open")


def test_forced_closed_admits_whatever_fails():
    fail()
    breakers.force(NAME, "closed", until=soon(), **WHO)
    fail(20)
    assert is_admitted()
    assert (state_of(NAME).state, state_of(NAME).failures) == (State.FORCED_CLOSED, 20)


def test_reset_closes_and_forgets():
    fail()
    breakers.reset(NAME, **WHO)
    assert is_admitted()
    assert (state_of(NAME).state, state_of(NAME).calls) == (State.CLOSED, 0)
    assert changes()[-1] == ("open", "closed", "operator")


def test_reset_ends_an_operators_word():
    breakers.force(NAME, "open", until=soon(), **WHO)
    breakers.reset(NAME, **WHO)
    breakers.keep_up()
    assert is_admitted()
    assert not BreakerOverride.objects.exists()


@pytest.mark.parametrize(
    ("_case", "given"),
    [
        ("no reason", {"reason": "  "}),
        ("an unknown neighbour", {"name": "nobody"}),
        ("an unknown mode", {"mode": "ajar"}),
        ("an end that is over", {"until": -1}),
        ("an end too far away", {"until": 25 * 3600}),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_happens(_case, given):
    wanted = {"name": NAME, "mode": "open", "until": 600, **WHO, **given}
    name, mode, until = wanted.pop("name"), wanted.pop("mode"), wanted.pop("until")
    with pytest.raises(NotAllowed):
        breakers.force(name, mode, until=soon(until), **wanted)
    assert is_admitted()
    assert not BreakerOverride.objects.exists()
    assert not BreakerChange.objects.exists()


def test_a_wiped_redis_gets_the_operators_word_back(settings):
    breakers.force(NAME, "open", until=soon(), **WHO)
    wipe(settings)
    assert is_admitted()
    breakers.keep_up()
    assert not is_admitted()
    assert len(changes()) == 1  # for people nothing changed


def test_a_process_without_redis_hears_the_operator(settings):
    breakers.force(NAME, "open", until=soon(), **WHO)
    settings.REDIS_URL = ""
    assert not is_admitted()


def test_an_operators_word_ends_by_itself_with_an_event():
    breakers.force(NAME, "open", until=soon(0.3), **WHO)
    assert not is_admitted()
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    assert is_admitted()
    BreakerOverride.objects.update(until=timezone.now() - timedelta(seconds=5))
    breakers.keep_up()
    assert changes()[1:] == [("forced_open", "half_open", "expiry")]
    assert not BreakerOverride.objects.exists()


def test_a_change_by_itself_is_written_down_once():
    fail()
    told = redis.Redis.from_url(shared.settings.REDIS_URL).lrange(shared.changes_key(), 0, -1)
    breakers.keep_up()
    for each in told:  # told again, as after a crash between writing and forgetting
        redis.Redis.from_url(shared.settings.REDIS_URL).rpush(shared.changes_key(), each)
    breakers.keep_up()
    change = BreakerChange.objects.get()
    assert (change.source, change.target, change.cause) == ("closed", "open", "failures")
    assert (change.calls, change.failures) == (5, 5)
    assert change.until is not None
    assert redis.Redis.from_url(shared.settings.REDIS_URL).llen(shared.changes_key()) == 0


def test_a_whole_course_is_written_down(settings):
    settings.BREAKERS = {NAME: {"consecutive": 5, "open": 0.1, "probes": 1}}
    fail()
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    breaker = Breaker(NAME)
    breaker.report(breaker.admit(is_retry=False), Answered(200, None))
    breakers.keep_up()
    assert changes() == [
        ("closed", "open", "failures"),
        ("open", "half_open", "time"),
        ("half_open", "closed", "probes"),
    ]


def test_what_was_seen_is_kept_for_when_redis_is_away(settings):
    fail()
    breakers.keep_up()
    row = Heartbeat.objects.get(name=f"breaker:{NAME}")
    assert (row.detail["ok"], row.detail["state"]) == (False, "open")
    settings.REDIS_URL = ""
    found = state_of(NAME)
    assert (found.state, found.is_known, found.failures) == (State.OPEN, False, 5)
    assert found.until is not None


def test_nothing_new_writes_nothing(django_assert_num_queries):
    breakers.keep_up()
    with django_assert_num_queries(2):  # operators' words, and what was seen
        breakers.keep_up()
    assert json.dumps(breakers.keep_up()) == '{"changes": 0, "open": 0}'
