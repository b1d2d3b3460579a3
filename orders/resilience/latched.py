"""A Redis that is asked carefully: short time limits, no second try, left alone for a while after a failure.

redis-py's own defaults cost 4.6 s per command with a dead server. Here a call learns within
`PATIENCE` that Redis is gone, and of many threads one pays for looking whether it is back.
"""

import logging
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

logger = logging.getLogger(__name__)

PATIENCE: Final = 0.1  # seconds for connecting, and again for an answer
REST: Final = 1.0  # seconds without asking after a failure


class Latched:
    """One Redis server, as seen from this process."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._scripts: dict[str, Script] = {}
        self._lock = threading.Lock()
        self._is_bad = False
        self._rests_until = 0.0

    def run(self, lua: str, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """What the script answers; None when Redis does not, or cannot: a full or read-only one is as good as gone."""
        if not self._may_ask():
            return None
        try:
            found = self._script(lua)(keys=list(keys), args=list(args))
        except (redis.RedisError, OSError) as error:
            return self._failed(error)
        self._is_bad = False
        return found

    def command(self, *words: Any) -> Any:
        """What one command answers; None when Redis does not answer, or has nothing."""
        if not self._may_ask():
            return None
        try:
            found = self.client.execute_command(*words)
        except (redis.RedisError, OSError) as error:
            return self._failed(error)
        self._is_bad = False
        return found

    @property
    def rests(self) -> bool:
        """Whether Redis failed a moment ago and is not asked."""
        return self._is_bad and time.monotonic() < self._rests_until

    def try_again(self) -> None:
        """Ask at the next call, as after the rest."""
        self._is_bad = False

    def _may_ask(self) -> bool:
        if not self._is_bad:
            return True
        with self._lock:  # one looks, the others stay away meanwhile
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + REST
            return True

    def _failed(self, error: Exception) -> None:
        if not self._is_bad:
            logger.warning("Redis does not help: %s %s", type(error).__name__, str(error)[:200])
        self._is_bad, self._rests_until = True, time.monotonic() + REST

    def _script(self, lua: str) -> Script:
        found = self._scripts.get(lua)
        if found is None:
            found = self._scripts[lua] = self.client.register_script(lua)
        return found


@lru_cache(maxsize=8)
def _latched(url: str) -> Latched:
    return Latched(url)


def latched() -> Latched | None:
    """The one of this process, or None where no Redis is configured."""
    return _latched(settings.REDIS_URL) if settings.REDIS_URL else None
