"""Doorbells: "there may be work of this kind". Losing one costs a second, never the work.

The work itself is rows in PostgreSQL (see `orders.leases`). A bell is one RQ job per kind and
moment; `drain` hushes the bell before it looks, so a row that commits while it looks rings anew.
Redis may be away: then the ticker's sweep rings when it is back (notes on reliability, 2.4).
"""

import logging
import time
from datetime import timedelta
from functools import lru_cache
from typing import ClassVar

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

QUEUES = {
    "attempt": "act",
    "inbound": "act",
    "saga": "act",
    "dispatch": "act",
    "trip": "act",
    "refund": "act",
    "posting": "act",
    "action": "act",
    "diagnosis": "diagnose",
    "notice": "notify",
    "import": "bulk",
    "run": "bulk",
    "deed": "act",
    "alert": "notify",
    "page": "notify",
}
LONGEST_HUSH = 5  # seconds; a bell whose job was lost with Redis rings again after this
LATCH = 1.0  # seconds without trying, once Redis has refused
PATIENCE = 0.2  # seconds
ECHO = 0.02  # seconds


class _Latch:
    """What this process remembers: until when Redis is not worth asking, and when each bell rang."""

    bad_until = 0.0
    rang: ClassVar[dict[str, float]] = {}


_latch = _Latch()


def ring(kind: str) -> None:
    """Ring after the running transaction commits; at once when there is none.

    In a flood most rings say what the last one said; those within `ECHO` seconds are left to the
    ticker's sweep, which comes every second.
    """
    transaction.on_commit(lambda: _ring_unless_echo(kind), robust=True)


def _ring_unless_echo(kind: str) -> None:
    now = time.monotonic()
    if now - _latch.rang.get(kind, 0.0) < ECHO:
        return
    _latch.rang[kind] = now
    ring_now(kind)


def ring_now(kind: str) -> bool:
    """Ring at once. False when the bell already rings or Redis is away."""
    if time.monotonic() < _latch.bad_until:
        return False
    try:
        return _enqueue(kind)
    except (redis.RedisError, OSError) as error:
        _latch.bad_until = time.monotonic() + LATCH
        logger.warning("bell %s: %s", kind, type(error).__name__)
        return False


def _enqueue(kind: str) -> bool:
    queue = django_rq.get_queue(QUEUES[kind], connection=_redis())
    if not queue.connection.set(_key(kind), 1, nx=True, ex=LONGEST_HUSH):
        return False
    queue.enqueue("orders.jobs.drain", kind, result_ttl=0, failure_ttl=3600)
    return True


def ring_for(job: str, row: int, *, queue: str, timeout: timedelta, hush: timedelta) -> bool:
    """A bell of another app: a job for one row, once in `hush`. False when it rang lately or Redis is away."""
    if time.monotonic() < _latch.bad_until:
        return False
    try:
        found = django_rq.get_queue(queue, connection=_redis())
        if not found.connection.set(_key(f"{job}:{row}"), 1, nx=True, ex=hush):
            return False
        found.enqueue(job, row, job_timeout=int(timeout.total_seconds()), result_ttl=0, failure_ttl=3600)
    except (redis.RedisError, OSError) as error:
        _latch.bad_until = time.monotonic() + LATCH
        logger.warning("bell %s %s: %s", job, row, type(error).__name__)
        return False
    return True


def _redis() -> redis.Redis:
    return _client(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    """A client that gives up at once: a bell must never hold up an order."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )


def hush(kind: str) -> None:
    """Let the next ring through. Called by the job before it looks for work."""
    try:
        _redis().delete(_key(kind))
    except (redis.RedisError, OSError):
        logger.warning("bell %s could not be hushed", kind)


def _key(kind: str) -> str:
    return f"{settings.REDIS_PREFIX}bell:{kind}"
