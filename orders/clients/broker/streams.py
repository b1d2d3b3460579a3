"""Events in one stream of Redis, a consumer group for each consumer.

Redis may come back empty: then the groups are made anew, and what was lost is found in PostgreSQL
(`orders.services.receiving`, ADR 0036).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from orders.clients.broker.contract import BrokerAway, Delivery, Message

STREAM: Final = "events"
KEPT: Final = 100_000  # newest events kept in the stream
TAKEN: Final = 200  # events a consumer takes at a time
HOLDER: Final = "1"  # one process at a time takes for a consumer, so the name need not tell them apart


class StreamPublisher:
    def __init__(self, url: str) -> None:
        self._redis = _client(url)

    def publish(self, messages: Sequence[Message]) -> None:
        with _translated():
            pipe = self._redis.pipeline(transaction=False)
            for message in messages:
                pipe.xadd(_stream(), {"body": message.body}, maxlen=KEPT, approximate=True)
            pipe.execute()

    def close(self) -> None:
        self._redis.close()


class StreamInbox:
    def __init__(self, url: str, queues: Mapping[str, frozenset[str]]) -> None:
        self._redis = _client(url)
        self._consumers = tuple(queues)
        self._left_over = set(queues)

    def take(self) -> Sequence[Delivery]:
        with _translated():
            return [delivery for consumer in self._consumers for delivery in self._take(consumer)]

    def _take(self, consumer: str) -> list[Delivery]:
        """First what an earlier process took and never settled, then what is new."""
        found = self._read(consumer, "0" if consumer in self._left_over else ">")
        if not found:
            self._left_over.discard(consumer)
        # A trimmed message that was never settled comes without its fields; `missing` finds it in PostgreSQL.
        return [Delivery(consumer, (fields or {}).get(b"body", b""), tag) for tag, fields in found]

    def _read(self, consumer: str, since: str) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
        try:
            answer: Any = self._redis.xreadgroup(consumer, HOLDER, {_stream(): since}, count=TAKEN)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group(consumer)
            return []
        return answer[0][1] if answer else []

    def _make_group(self, consumer: str) -> None:
        """From the first event on: a stream that is new, or new again after a loss, holds only what nobody has."""
        try:
            self._redis.xgroup_create(_stream(), consumer, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def settle(self, delivery: Delivery) -> None:
        with _translated():
            self._redis.xack(_stream(), delivery.consumer, delivery.tag)

    def is_drained(self, consumer: str) -> bool:
        with _translated():
            last: Any = self._redis.xinfo_stream(_stream())
            groups: Any = self._redis.xinfo_groups(_stream())
        mine = next((group for group in groups if group["name"] == consumer.encode()), None)
        return mine is not None and not mine["pending"] and mine["last-delivered-id"] == last["last-generated-id"]

    def close(self) -> None:
        self._redis.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise BrokerAway(f"Redis: {type(error).__name__}: {error}"[:200]) from error


def _stream() -> str:
    return f"{settings.REDIS_PREFIX}{STREAM}"


def _client(url: str) -> redis.Redis:
    """A dead Redis is noticed within a second, not after the library's 4.6."""
    seconds = settings.REDIS_TIMEOUT.total_seconds()
    return redis.Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )
