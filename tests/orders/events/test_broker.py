"""What both brokers have to do for us: one contract, one set of tests."""

import threading
from typing import Any

import pika
import pytest
import redis
from django.conf import settings as django_settings

from opsconsole.testing import BROKER
from orders.clients import broker
from orders.clients.broker import Delivery, Inbox, rabbitmq
from tests.orders.events.taking import QUEUES, message, taken
from tests.waiting import eventually


@pytest.fixture
def publisher(either: str, open_things: list[Any]) -> broker.Publisher:
    open_things.append(broker.open_publisher(QUEUES))
    return open_things[-1]


@pytest.fixture
def inbox(publisher: broker.Publisher, open_things: list[Any]) -> Inbox:
    open_things.append(broker.open_inbox(QUEUES))
    return open_things[-1]


def test_what_is_published_before_a_consumer_starts_waits_for_it(
    publisher: broker.Publisher, open_things: list[Any]
) -> None:
    publisher.publish([message(1), message(2)])

    open_things.append(broker.open_inbox(QUEUES))

    assert [each.body for each in taken(open_things[-1], "one", 2)] == [b"body 1", b"body 2"]


@pytest.mark.parametrize("name", QUEUES)
def test_every_consumer_gets_all_in_order(name: str, publisher: broker.Publisher, open_things: list[Any]) -> None:
    publisher.publish([message(number) for number in range(300)])
    publisher.publish([message(300)])
    open_things.append(broker.open_inbox({name: QUEUES[name]}))

    deliveries = taken(open_things[-1], name, 301, settling=True)

    assert [each.body for each in deliveries] == [f"body {number}".encode() for number in range(301)]


def test_what_was_not_settled_comes_again_to_the_next_process(
    publisher: broker.Publisher, open_things: list[Any]
) -> None:
    publisher.publish([message(1), message(2)])
    first = broker.open_inbox({"one": QUEUES["one"]})
    taken(first, "one", 2)
    first.close()

    open_things.append(broker.open_inbox({"one": QUEUES["one"]}))

    assert [each.body for each in taken(open_things[-1], "one", 2)] == [b"body 1", b"body 2"]


def test_what_was_settled_does_not_come_again(publisher: broker.Publisher, open_things: list[Any]) -> None:
    publisher.publish([message(1), message(2)])
    first = broker.open_inbox({"one": QUEUES["one"]})
    first.settle(taken(first, "one", 2)[0])
    first.close()

    second = broker.open_inbox({"one": QUEUES["one"]})
    open_things.append(second)

    assert [each.body for each in taken(second, "one", 1)] == [b"body 2"]


def test_it_knows_when_nothing_is_left(publisher: broker.Publisher, inbox: Inbox) -> None:
    publisher.publish([message(1)])
    deliveries: list[Delivery] = []
    eventually(lambda: deliveries.extend(inbox.take()) or len(deliveries) == 2)
    assert not inbox.is_drained("one")

    for each in deliveries:
        inbox.settle(each)

    eventually(lambda: inbox.is_drained("one") and inbox.is_drained("two"))


def test_a_broker_that_is_not_there_is_away(either: str, settings: Any) -> None:
    if either == "rabbit":
        settings.BROKER_URL = "amqp://guest:guest@127.0.0.1:1/"
    else:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with pytest.raises(broker.BrokerAway):
        broker.open_publisher(QUEUES).publish([message(1)])
    with pytest.raises(broker.BrokerAway):
        broker.open_inbox(QUEUES).take()


@pytest.mark.rabbitmq
def test_an_event_that_no_queue_takes_is_not_published(rabbit: str, open_things: list[Any]) -> None:
    publisher = broker.open_publisher(QUEUES)
    open_things.append(publisher)
    connection = pika.BlockingConnection(pika.URLParameters(BROKER))
    for name in QUEUES:
        connection.channel().queue_delete(rabbitmq.queue(name))
    connection.close()

    with pytest.raises(broker.BrokerAway, match=r"no queue takes order\.pay"):
        publisher.publish([message(1)])

    # A new connection makes the queues again, and an event that nobody wants is nobody's loss.
    open_things.append(broker.open_publisher(QUEUES))
    open_things[-1].publish([message(1), message(2, "step.send")])
    inbox = broker.open_inbox(QUEUES)
    open_things.append(inbox)
    assert [each.body for each in taken(inbox, "one", 1)] == [b"body 1"]


@pytest.mark.rabbitmq
def test_a_queue_that_is_full_refuses_and_drops_nothing(rabbit: str, open_things: list[Any], settings: Any) -> None:
    settings.BROKER_LONGEST_QUEUE = 2
    publisher = broker.open_publisher(QUEUES)
    open_things.append(publisher)

    def fill() -> None:
        for number in range(50):
            publisher.publish([message(number)])

    with pytest.raises(broker.BrokerAway, match="full"):
        fill()

    open_things.append(broker.open_inbox(QUEUES))
    first = eventually(open_things[-1].take)[0]
    assert first.body == b"body 0"


@pytest.mark.rabbitmq
def test_a_message_is_persistent_and_carries_its_event_id(rabbit: str, open_things: list[Any]) -> None:
    publisher = broker.open_publisher(QUEUES)
    open_things.append(publisher)
    publisher.publish([message(7)])

    connection = pika.BlockingConnection(pika.URLParameters(BROKER))
    _method, properties, body = next(connection.channel().consume(rabbitmq.queue("one"), inactivity_timeout=5))
    connection.close()

    assert (properties.delivery_mode, properties.message_id, body) == (2, "h-7", b"body 7")


def test_a_redis_that_came_back_empty_takes_and_gives_again(streams: str, open_things: list[Any]) -> None:
    publisher, inbox = broker.open_publisher(QUEUES), broker.open_inbox(QUEUES)
    open_things.extend([publisher, inbox])
    publisher.publish([message(1)])
    taken(inbox, "one", 1)
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    client.delete(f"{streams}events")
    client.close()

    publisher.publish([message(2)])

    assert [each.body for each in taken(inbox, "one", 1)] == [b"body 2"]


def test_taking_never_waits(inbox: Inbox) -> None:
    came: list[Any] = []
    thread = threading.Thread(target=lambda: came.append(inbox.take()))
    thread.start()
    thread.join(1)
    assert came == [[]]
