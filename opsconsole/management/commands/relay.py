"""`manage.py relay`: the outbox on its way to the broker."""

import logging
from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from orders.clients import broker
from orders.consumers import queues
from orders.services import publishing

logger = logging.getLogger(__name__)
REST, STANDBY, BROKER_AWAY = 0.05, 2.0, 1.0  # seconds


class Command(BaseCommand):
    help = "Publish what happened, in order, at least once. One at a time; further ones stand by."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        until_stopped("relay", turn=Relay().turn)


class Relay:
    """Holds the connection to the broker between two turns, and makes it anew after every failure."""

    def __init__(self) -> None:
        self._publisher: broker.Publisher | None = None

    def turn(self) -> float:
        if not publishing.hold_relay_lock():
            return STANDBY
        try:
            self._publisher = self._publisher or broker.open_publisher(queues())
            return 0.0 if publishing.publish_batch(self._publisher) else REST
        except broker.BrokerAway as problem:
            logger.warning("the outbox holds: %s", problem)
            self._close()
            return BROKER_AWAY

    def _close(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
        self._publisher = None
