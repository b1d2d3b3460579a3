"""What happens by the clock, and what the world outside is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.db import transaction

from orders import bells
from orders.models import Attempt, Heartbeat, Outbox
from orders.services import publishing, rounds
from orders.states import OrderVerb
from orders.transitions import move
from tests.factories import make_attempt, make_order
from tests.orders.flow import past

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


def test_events_are_published_in_order_once_and_without_personal_data(stream: redis.Redis) -> None:
    order = make_order(customer_name="Ani Wijaya", customer_email="ani@example.id")
    with transaction.atomic():
        move(order, OrderVerb.CANCEL, actor="user:sari", reason="customer called")

    assert publishing.publish_batch(stream) == 2
    assert publishing.publish_batch(stream) == 0

    bodies = [json.loads(fields[b"body"]) for _id, fields in stream.xrange("test-rounds:events")]
    assert [(body["seq"], body["verb"], body["to"]) for body in bodies] == [
        (1, "create", "created"),
        (2, "cancel", "cancelled"),
    ]
    assert "Ani" not in json.dumps(bodies)
    assert "ani@example.id" not in json.dumps(bodies)


def test_without_redis_the_outbox_keeps_what_it_has() -> None:
    make_order()
    nowhere = redis.Redis(host="127.0.0.1", port=1)

    with pytest.raises(redis.RedisError):
        publishing.publish_batch(nowhere)

    assert Outbox.objects.filter(published_at=None).count() == 1
