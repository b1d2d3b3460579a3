"""The front page: is the platform well, what hangs, how much money, whose move. Every number is a link.

The page renders an `Overview`; `overview_page.read_overview` fills it. A part that cannot be read is a
`CannotKnow` and is shown as such: never an empty table, never a zero.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.console.tones import Tone

Sums = tuple[tuple[int, str], ...]  # (minor units, currency), one per currency

# Healthy, an event waits a tenth of a second (docs/benchmarks.md): this long, the relay or the broker is away.
OUTBOX_OLD: Final = timedelta(seconds=30)
STALE_AFTER_ROUNDS: Final = 3  # a process that missed this many rounds is not known to run


@dataclass(frozen=True)
class CannotKnow:
    """Why a part of the page has no answer, in words for the reader."""

    why: str | Promise
    is_known: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of the head: `text` as shown, a series for the line, `note` below, tone by meaning."""

    text: str
    note: str = ""
    change: str = ""
    series: tuple[float, ...] = ()
    tone: Tone = Tone.NEUTRAL
    href: str = ""
    is_known: bool = True


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The five figures, in the order they are read."""

    orders_per_minute: Figure | CannotKnow
    success_rate: Figure | CannotKnow
    stuck: Figure | CannotKnow
    money_held: Figure | CannotKnow
    oldest: Figure | CannotKnow

    @property
    def cells(self) -> list[tuple[Promise, Figure | CannotKnow]]:
        return [
            (_("Orders per minute"), self.orders_per_minute),
            (_("Success rate"), self.success_rate),
            (_("Stuck now"), self.stuck),
            (_("Money held"), self.money_held),
            (_("Oldest"), self.oldest),
        ]


@dataclass(frozen=True, kw_only=True)
class StuckState:
    """One line of "stuck by state": how many, what money, since when, and the list behind it."""

    machine: str
    state: str
    count: int
    money: Sums
    oldest_since: datetime
    limit: timedelta
    href: str


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Health of a dependency: tone and words say it, `latency_ms` is the last answer's."""

    name: str
    tone: Tone
    words: str
    latency_ms: int | None = None
    since: datetime | None = None
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """An RQ queue: jobs waiting, the wait of the oldest, live workers."""

    name: str
    depth: int
    workers: int
    oldest_since: datetime | None = None
    href: str = ""

    @property
    def tone(self) -> Tone:
        if not self.workers:
            return Tone.FAILED
        return Tone.ACTIVE if self.depth else Tone.DONE


@dataclass(frozen=True, kw_only=True)
class LastRun:
    """When a loop of ours last went round; `every` is its rhythm. What it carries waits since `oldest_since`."""

    name: str
    duty: str | Promise
    at: datetime | None
    every: timedelta
    now: datetime
    oldest_since: datetime | None = None

    @property
    def is_stale(self) -> bool:
        return self.at is None or self.now - self.at > STALE_AFTER_ROUNDS * self.every

    @property
    def tone(self) -> Tone:
        """Of what waits for it."""
        if self.is_stale:
            return Tone.FAILED
        waits = self.oldest_since is not None and self.now - self.oldest_since > OUTBOX_OLD
        return Tone.ATTENTION if waits else Tone.ACTIVE


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All of the page at one instant."""

    at: datetime
    headline: Headline
    stuck: tuple[StuckState, ...] | CannotKnow
    neighbours: tuple[Neighbour, ...] | CannotKnow
    queues: tuple[Queue, ...] | CannotKnow
    loops: tuple[LastRun, ...] | CannotKnow
    last_recovered_at: datetime | None = None
