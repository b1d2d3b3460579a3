"""What may go wrong on the way, as values that are replaced as a whole: no reader ever sees half a change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One direction. `latency` and `jitter` are seconds a chunk.

    `black_hole`: nothing passes while it lasts. What was sent meanwhile comes afterwards, as TCP
    would send it again, unless the connection was reset before. `cut_after`: a connection is reset
    once so many of its bytes went this way; the bytes beyond do not pass. `rate` is bytes a second of
    each connection; what is on its way when the limit is lifted comes at once.
    """

    latency: float = 0.0
    jitter: float = 0.0
    black_hole: bool = False
    cut_after: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Faults:
    """`up` is towards the server, `down` towards the client. `refuse`: nobody listens; who is in stays in."""

    up: Way = Way()
    down: Way = Way()
    refuse: bool = False
