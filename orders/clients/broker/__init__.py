"""The broker: RabbitMQ where `BROKER_URL` names one, else a stream of Redis. One contract, the same tests for both.

RabbitMQ's driver is imported where it is used: a tenth of the start of every process.
"""

from collections.abc import Mapping

from django.conf import settings

from orders.clients.broker import streams
from orders.clients.broker.contract import BrokerAway, Delivery, Inbox, Message, Publisher

__all__ = ["BrokerAway", "Delivery", "Inbox", "Message", "Publisher", "name", "open_inbox", "open_publisher"]

Queues = Mapping[str, frozenset[str]]  # consumer → the keys it wants


def name() -> str:
    """Which broker it is, in people's words."""
    return "RabbitMQ" if settings.BROKER_URL else "Redis Streams"


def open_publisher(queues: Queues) -> Publisher:
    """Raises BrokerAway. The queues of the consumers are made, so that what is published before they start waits."""
    if settings.BROKER_URL:
        from orders.clients.broker import rabbitmq

        return rabbitmq.RabbitPublisher(settings.BROKER_URL, queues)
    return streams.StreamPublisher(settings.REDIS_URL)


def open_inbox(queues: Queues) -> Inbox:
    """Raises BrokerAway."""
    if settings.BROKER_URL:
        from orders.clients.broker import rabbitmq

        return rabbitmq.RabbitInbox(settings.BROKER_URL, queues)
    return streams.StreamInbox(settings.REDIS_URL, queues)
