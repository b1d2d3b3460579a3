"""The consumers of our own events: the one table. To add one: a line here; docs/events.md says what it may rely on.

A handler lives with the service it belongs to. Events about letters are for nobody here: a consumer that failed on
them would write the next one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orders import messages
from orders.services import checkout_saga, notices
from orders.services.receiving import Consumer

CONSUMERS: Final[Mapping[str, Consumer]] = MappingProxyType(
    {
        "checkout": Consumer(checkout_saga.on_event, wants=checkout_saga.WANTS),
        "notices": Consumer(notices.on_event, wants=messages.KINDS),
    }
)


def queues(consumers: Mapping[str, Consumer] = CONSUMERS) -> Mapping[str, frozenset[str]]:
    """The queues that the broker keeps for them, with the keys each is bound by."""
    return {name: consumer.keys for name, consumer in consumers.items()}
