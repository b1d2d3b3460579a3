"""Events through RabbitMQ: a topic exchange, and a quorum queue for each consumer.

A message counts as published when every queue it belongs in has it on a majority of its disks (publisher confirms).
One that somebody wants and no queue takes comes back (`mandatory`) and counts as not published.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import pika
from django.conf import settings
from pika.exceptions import AMQPError, ChannelClosedByBroker, ReentrancyError

from orders.clients.broker.contract import BrokerAway, Delivery, Message

PATIENCE: Final = 5.0  # seconds for a connection, and for the confirms of a batch
GOOD_BYE: Final = 1.0  # seconds
HEARTBEAT: Final = 30  # seconds; for the consumer, which looks at its connection many times a second
IN_HAND: Final = 200  # messages a consumer may hold unsettled
PERSISTENT: Final = 2
Queues = Mapping[str, frozenset[str]]

# Every lost connection is logged by the relay and the consumer in one line; pika writes a page.
logging.getLogger("pika").setLevel(logging.CRITICAL)


def exchange() -> str:
    return f"{settings.BROKER_PREFIX}events"


def queue(consumer: str) -> str:
    return f"{settings.BROKER_PREFIX}{consumer}"


def forget(url: str, *, prefix: str, consumers: Iterable[str]) -> None:
    """Take away what a run under a prefix of its own left in a RabbitMQ. Raises BrokerAway."""
    with _connected(url, heartbeat=0) as connection, _translated():
        channel = connection.channel()
        channel.exchange_delete(f"{prefix}events")
        for consumer in consumers:
            channel.queue_delete(f"{prefix}{consumer}")


class RabbitPublisher:
    """Sends a whole batch and then waits for its confirms: one round trip for hundreds of messages."""

    def __init__(self, url: str, queues: Queues) -> None:
        self._wanted = frozenset(key for keys in queues.values() for key in keys)
        with _connected(url, heartbeat=0) as setting_up:
            declare(setting_up.channel(), queues)
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._has_given_up = False
        self._problem = ""
        self._channel: Any = None
        self._connection: Any = pika.SelectConnection(
            _parameters(url, heartbeat=0),
            on_open_callback=self._opened,
            on_open_error_callback=self._broke,
            on_close_callback=self._broke,
        )
        try:
            self._run_until(lambda: self._channel is not None and self._channel.is_open)
        except BrokerAway:
            self.close()
            raise

    def publish(self, messages: Sequence[Message]) -> None:
        if self._problem:
            raise BrokerAway(self._problem)
        for message in messages:
            self._sent += 1
            self._unconfirmed.add(self._sent)
            self._channel.basic_publish(
                exchange(),
                message.key,
                message.body,
                pika.BasicProperties(
                    delivery_mode=PERSISTENT, content_type="application/json", message_id=message.event_id
                ),
                mandatory=message.key in self._wanted,
            )
        self._run_until(lambda: not self._unconfirmed)

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._broke)
        channel.add_on_return_callback(self._returned)
        channel.confirm_delivery(self._confirmed)
        self._connection.ioloop.stop()

    def _confirmed(self, frame: Any) -> None:
        """Confirms come for one message, or for all up to one."""
        tag, method = frame.method.delivery_tag, frame.method
        told = {one for one in self._unconfirmed if one <= tag} if method.multiple else {tag}
        self._unconfirmed -= told
        if isinstance(method, pika.spec.Basic.Nack):
            self._broke(None, "a queue is full or has no majority")
        elif not self._unconfirmed:
            self._connection.ioloop.stop()

    def _returned(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self._broke(None, f"no queue takes {method.routing_key}")

    def _broke(self, _of: Any, why: object) -> None:
        self._problem = self._problem or f"RabbitMQ: {type(why).__name__}: {why}"[:200]
        self._connection.ioloop.stop()

    def _run_until(self, is_done: Callable[[], bool]) -> None:
        """Let the connection work until it is done, broken, or out of patience."""
        loop = self._connection.ioloop
        timer = loop.call_later(PATIENCE, lambda: self._broke(None, f"no answer within {PATIENCE:.0f} s"))
        if not is_done() and not self._problem:
            loop.start()
        loop.remove_timeout(timer)
        if self._problem:
            raise BrokerAway(self._problem)

    def close(self) -> None:
        """Says good-bye where there is somebody to hear it, for a second at most."""
        loop = self._connection.ioloop
        with suppress(AMQPError, OSError):
            if self._connection.is_open:
                self._connection.close()
            timer = loop.call_later(GOOD_BYE, self._give_up)
            while not self._connection.is_closed and not self._has_given_up:
                loop.start()  # the channel stops it first, then the connection
            loop.remove_timeout(timer)
        loop.close()

    def _give_up(self) -> None:
        self._has_given_up = True
        self._connection.ioloop.stop()


class RabbitInbox:
    def __init__(self, url: str, queues: Queues) -> None:
        with _translated():
            self._connection: Any = pika.BlockingConnection(_parameters(url, heartbeat=HEARTBEAT))
        self._came: list[Delivery] = []
        self._in_hand = dict.fromkeys(queues, 0)
        try:
            self._subscribe(queues)
        except BrokerAway:
            self.close()
            raise

    def _subscribe(self, queues: Queues) -> None:
        with _translated():
            self._channel: Any = self._connection.channel()
            declare(self._channel, queues)
            self._channel.basic_qos(prefetch_count=IN_HAND)
            for consumer in queues:
                self._channel.basic_consume(queue(consumer), self._keeping(consumer))

    def _keeping(self, consumer: str) -> Callable[..., None]:
        def keep(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
            self._in_hand[consumer] += 1
            self._came.append(Delivery(consumer, body, method.delivery_tag))

        return keep

    def take(self) -> Sequence[Delivery]:
        with _translated():
            self._connection.process_data_events(time_limit=0)
        came, self._came = self._came, []
        return came

    def settle(self, delivery: Delivery) -> None:
        with _translated():
            self._channel.basic_ack(delivery.tag)
        self._in_hand[delivery.consumer] -= 1

    def is_drained(self, consumer: str) -> bool:
        with _translated():
            told = self._channel.queue_declare(queue(consumer), passive=True)
        return not told.method.message_count and not self._in_hand[consumer]

    def close(self) -> None:
        with suppress(AMQPError, OSError):
            self._connection.close()


def declare(channel: Any, queues: Queues) -> None:
    """Exchange, queues and bindings, as they have to be; repeatable."""
    with _translated():
        channel.exchange_declare(exchange(), "topic", durable=True)
        for consumer, keys in queues.items():
            channel.queue_declare(queue(consumer), durable=True, arguments=_kind())
            for key in sorted(keys):
                channel.queue_bind(queue(consumer), exchange(), key)


def _kind() -> dict[str, Any]:
    """Replicated, in order, with one reader at a time. A full one refuses, and then the outbox holds."""
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-max-length": settings.BROKER_LONGEST_QUEUE,
        "x-overflow": "reject-publish",
    }


@contextmanager
def _connected(url: str, *, heartbeat: int) -> Iterator[Any]:
    with _translated():
        connection = pika.BlockingConnection(_parameters(url, heartbeat=heartbeat))
    try:
        yield connection
    finally:
        with suppress(AMQPError, OSError):
            connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (AMQPError, ChannelClosedByBroker, ReentrancyError, OSError) as error:
        raise BrokerAway(f"RabbitMQ: {type(error).__name__}: {error}"[:200]) from error


def _parameters(url: str, *, heartbeat: int) -> pika.URLParameters:
    """The publisher has no heartbeat: it rests between batches, and notices a dead broker by a missing confirm."""
    parameters = pika.URLParameters(url)
    parameters.heartbeat = heartbeat
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = PATIENCE
    parameters.connection_attempts = 1
    return parameters
