"""When a breaker opens and how it closes, per neighbour: settings."""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

SPARE: Final = 2.0  # seconds a probe's lease outlives the longest call


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Opens at `consecutive` failures in a row (0: does not matter), or when of at least `calls` in the last
    `window` seconds (0: does not matter) the share `ratio` failed. Stays open for `open` seconds, then lets `probes`
    through, each with a place for `lease` seconds; that many successes close it, one failure opens it again.
    A piece of work that failed counts for its first `look` seconds, and then not for a while: in a row once, in the
    window with all its tries.
    """

    consecutive: int = 5
    calls: int = 0
    ratio: float = 0.0
    window: int = 60
    open: float = 60.0
    probes: int = 1
    lease: float = 15.0
    look: float = 5.0

    def as_args(self) -> list[Any]:
        """As the script takes them; spans in milliseconds but for the window."""
        return [
            self.consecutive,
            self.calls,
            self.ratio,
            self.window,
            int(self.open * 1000),
            self.probes,
            int(self.lease * 1000),
        ]


def policy_of(name: str) -> Policy | None:
    """The policy of a neighbour, or None where it has no breaker."""
    given = settings.BREAKERS.get(name)
    if given is None:
        return None
    return Policy(**{"lease": settings.UPSTREAMS[name]["timeout"] + SPARE, **given})
