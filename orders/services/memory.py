"""What Redis may remember for us and may forget: copies of carts, last known prices.

Nobody waits for it (`orders.resilience.latched`). Absence and failure look the same to the caller:
PostgreSQL has the truth.
"""

from dataclasses import dataclass

from orders.resilience.latched import Latched, latched

# A value is "<revision>|<text>". A lower revision never replaces a higher one, in whatever order
# two writers arrive.
_PUT = """
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%d+') or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
return 1
"""


@dataclass(frozen=True)
class Memory:
    """One Redis, asked carefully; None where none is configured."""

    redis: Latched | None

    @property
    def rests(self) -> bool:
        """Whether Redis failed a moment ago and is not asked."""
        return self.redis is not None and self.redis.rests

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
        return None if self.redis is None else self.redis.command(*command)


def memory() -> Memory:
    """The one of this process. redis-py gives a forked child connections of its own."""
    return Memory(latched())
