"""Both brokers, each under names of the test's own, and consumers that note what they got."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pika
import pytest
import redis
from django.conf import settings as django_settings

from opsconsole.testing import BROKER
from orders.clients import broker
from orders.clients.broker import rabbitmq
from orders.services.receiving import Consumer
from tests.orders.events.taking import Notes

PAID = ("order", "pay")
CREATED = ("order", "create")
CANCELLED = ("order", "cancel")


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def consumer(notes: Notes) -> Consumer:
    return Consumer(notes, wants=frozenset({CREATED, PAID, CANCELLED}))


@pytest.fixture
def streams(settings: Any) -> Iterator[str]:
    settings.BROKER_URL = ""
    prefix = settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex[:12]}:"
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    yield prefix
    for key in client.scan_iter(f"{prefix}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def rabbit(settings: Any) -> Iterator[str]:
    settings.BROKER_URL = BROKER
    settings.BROKER_PREFIX = f"test-{uuid.uuid4().hex[:12]}."
    yield settings.BROKER_PREFIX
    connection = pika.BlockingConnection(pika.URLParameters(BROKER))
    channel = connection.channel()
    channel.exchange_delete(rabbitmq.exchange())
    for name in ("one", "two"):
        channel.queue_delete(rabbitmq.queue(name))
    connection.close()


@pytest.fixture(params=["streams", pytest.param("rabbit", marks=pytest.mark.rabbitmq)])
def either(request: pytest.FixtureRequest) -> str:
    """Every test with this runs once with each broker."""
    request.getfixturevalue(request.param)
    return str(request.param)


@pytest.fixture
def open_things() -> Iterator[list[Any]]:
    things: list[Any] = []
    yield things
    for thing in things:
        with suppress(broker.BrokerAway):
            thing.close()
