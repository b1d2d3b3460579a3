"""`manage.py consumer`: our own consumers of the events, all in one process."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from orders.clients import broker
from orders.consumers import CONSUMERS, queues
from orders.services import missing, receiving
from orders.services.receiving import Consumers

logger = logging.getLogger(__name__)
REST, STANDBY, BROKER_AWAY = 0.05, 2.0, 1.0  # seconds
LETTERS_EVERY, RECOVERY_EVERY = 1.0, 5.0  # seconds


class Command(BaseCommand):
    help = "Hand events to the consumers, each once. One process at a time; further ones stand by."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        until_stopped("consumer", turn=Reception(CONSUMERS).turn)


class Reception:
    """Holds the connection to the broker between two turns, and makes it anew after every failure."""

    def __init__(self, consumers: Consumers) -> None:
        self._consumers = consumers
        self._inbox: broker.Inbox | None = None
        self._done_at: dict[str, float] = {}

    def turn(self) -> float:
        if not receiving.hold_consumer_lock():
            return STANDBY
        if self._is_time("letters", LETTERS_EVERY):
            receiving.try_letters(self._consumers)
        try:
            return 0.0 if self._receive() else REST
        except broker.BrokerAway as problem:
            logger.warning("no events come: %s", problem)
            self.close()
            return BROKER_AWAY
        except Exception:
            self.close()  # what was taken and not settled comes again on the next connection
            raise

    def _receive(self) -> int:
        if self._inbox is None:
            receiving.subscribe(self._consumers)
            self._inbox = broker.open_inbox(queues(self._consumers))
        deliveries = self._inbox.take()
        for each in deliveries:
            receiving.receive(each.consumer, self._consumers[each.consumer], each.body)
            self._inbox.settle(each)
        if not deliveries and self._is_time("recovery", RECOVERY_EVERY):
            self._recover(self._inbox)
        return len(deliveries)

    def _recover(self, inbox: broker.Inbox) -> None:
        for name, consumer in self._consumers.items():
            now = missing.now()
            if inbox.is_drained(name):
                missing.recover(name, consumer, drained_at=now)

    def _is_time(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._done_at.get(what, -every) < every:
            return False
        self._done_at[what] = now
        return True

    def close(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
        self._inbox = None
