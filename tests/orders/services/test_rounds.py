"""What happens by the clock."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from orders import bells
from orders.models import Attempt, Heartbeat
from orders.services import rounds, work
from tests.factories import make_attempt, make_order
from tests.orders.flow import past
from tests.orders.making import make_refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(settings: Any) -> Iterator[redis.Redis]:
    """Redis under a prefix of the test's own."""
    settings.REDIS_PREFIX = "test-rounds:"
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    yield client
    for key in client.scan_iter("test-rounds:*"):
        client.delete(key)
    client.close()


def test_a_round_is_gone_once_in_its_interval_however_many_tickers_there_are() -> None:
    gone: list[str] = []
    clocks = {"count": rounds.Clock(60, lambda: gone.append("x"))}

    assert (rounds.go(clocks), rounds.go(clocks)) == (["count"], [])
    assert gone == ["x"]


def test_that_no_round_is_due_is_one_statement(django_assert_num_queries: Any) -> None:
    clocks = {name: rounds.Clock(60, dict) for name in ("one", "two", "three")}
    assert rounds.go(clocks) == ["one", "two", "three"]
    with django_assert_num_queries(1):
        assert rounds.go(clocks) == []


def test_what_waits_is_asked_in_one_statement(django_assert_num_queries: Any) -> None:
    make_refund(make_attempt(make_order(), due_at=past()), due_at=past())
    with django_assert_num_queries(1):
        assert work.waiting() == ["attempt", "refund"]


def test_a_round_that_fails_stops_no_other() -> None:
    def broken() -> None:
        raise ValueError("no")

    clocks = {"broken": rounds.Clock(60, broken), "fine": rounds.Clock(60, lambda: 7)}

    assert rounds.go(clocks) == ["fine"]
    assert Heartbeat.objects.get(name="round:fine").detail["result"] == "7"


def test_the_sweep_rings_for_what_redis_lost(stream: redis.Redis) -> None:
    make_attempt(make_order(), due_at=past())

    assert "attempt" in rounds.sweep()
    assert stream.exists("test-rounds:bell:attempt")
    assert "attempt" not in rounds.sweep()  # it rings already

    bells.hush("attempt")
    assert "attempt" in rounds.sweep()


def test_nothing_due_rings_nothing(stream: redis.Redis) -> None:
    Attempt.objects.all().delete()

    assert rounds.sweep() == []
