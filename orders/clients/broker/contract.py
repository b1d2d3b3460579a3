"""What a broker has to be able to do for us."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class BrokerAway(Exception):
    """The broker cannot be reached, or did not confirm. What was sent may have arrived: send it again later."""


@dataclass(frozen=True, slots=True)
class Message:
    """`key` is what queues are bound by (`order.pay`); `body` is the event as JSON."""

    key: str
    event_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in the hands of one consumer, until it is settled. `tag` is the broker's own."""

    consumer: str
    body: bytes
    tag: Any


class Publisher(Protocol):
    def publish(self, messages: Sequence[Message]) -> None:
        """Returns when the broker holds every message, in this order. Raises BrokerAway otherwise."""

    def close(self) -> None: ...


class Inbox(Protocol):
    """Takes for several consumers over one connection. One process at a time takes for a consumer."""

    def take(self) -> Sequence[Delivery]:
        """What has come, oldest first for each consumer; first what an earlier holder left. Never waits.

        Raises BrokerAway, as do the others."""

    def settle(self, delivery: Delivery) -> None:
        """It is dealt with: the broker may forget it."""

    def is_drained(self, consumer: str) -> bool:
        """Whether nothing waits for this consumer, in the broker or in our hands."""

    def close(self) -> None: ...
