"""What Redis may remember for us and may forget: copies of carts, last known prices.

Nobody waits for it. Every call has `PATIENCE`, there is no second try (redis-py's own default costs
4.6 s per command with a dead server), and after a failure Redis is left alone for `REST`, so that
of many calls one pays. Absence and failure look the same to the caller: PostgreSQL has the truth.
"""

import logging
import time
from dataclasses import dataclass, field
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

PATIENCE = 0.1  # seconds for connecting, and again for an answer
REST = 1.0  # seconds without asking after a failure

# A value is "<revision>|<text>". A lower revision never replaces a higher one, in whatever order
# two writers arrive.
_PUT = """
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%d+') or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
return 1
"""


@dataclass
class Memory:
    """One Redis, asked carefully."""

    url: str
    _rests_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._client = redis.Redis.from_url(
            self.url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    @property
    def rests(self) -> bool:
        """Whether Redis failed less than `REST` ago and is not asked."""
        return time.monotonic() < self._rests_until

    def get(self, key: str) -> tuple[int, str] | None:
        """(revision, text), or None when Redis has nothing or does not answer."""
        found = self._asked("GET", key)
        if not isinstance(found, str):
            return None
        revision, bar, text = found.partition("|")
        return (int(revision), text) if bar and revision.isdigit() else None

    def put(self, key: str, text: str, *, revision: int, seconds: float) -> None:
        """Remember `text` for `seconds`, unless a higher revision is there."""
        milliseconds = int(seconds * 1000)
        if milliseconds > 0:
            self._asked("EVAL", _PUT, 1, key, revision, text, milliseconds)

    def _asked(self, *command: str | int) -> object:
        if self.rests:
            return None
        try:
            return self._client.execute_command(*command)
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST
            logger.warning("Redis does not remember: %s", type(error).__name__)
            return None


class Forgetful(Memory):
    """Stands in where no Redis is configured."""

    def __post_init__(self) -> None:
        """No client to make."""

    def _asked(self, *command: str | int) -> object:
        return None


@lru_cache(maxsize=4)
def _memory(url: str) -> Memory:
    return Memory(url) if url else Forgetful(url)


def memory() -> Memory:
    """The one of this process. redis-py gives a forked child connections of its own."""
    return _memory(settings.REDIS_URL)
