"""`manage.py relay`: the outbox on its way to the event stream."""

import logging
from typing import Any

import redis
from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from opsconsole.queues import patient_redis
from orders.services import publishing

logger = logging.getLogger(__name__)
REST, STANDBY, NO_REDIS = 0.2, 2.0, 1.0  # seconds


class Command(BaseCommand):
    help = "Publish what happened, in order, at least once. One at a time; further ones stand by."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        stream = patient_redis()
        until_stopped("relay", turn=lambda: _turn(stream))


def _turn(stream: redis.Redis) -> float:
    if not publishing.hold_relay_lock():
        return STANDBY
    try:
        return 0.0 if publishing.publish_batch(stream) else REST
    except redis.RedisError as problem:
        logger.warning("the outbox holds: no Redis (%s)", type(problem).__name__)
        return NO_REDIS
