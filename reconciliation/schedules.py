"""When a feed is due, and how it is: rules over a schedule, a watermark and the last reading. Pure.

A schedule is `every:300` (seconds between two readings of a book that is read in pages), `daily:09:00` (WIB time by
which yesterday's file must be there), or nothing where files come when they come.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Self

from reconciliation import business_day
from reconciliation.states import FeedHealth

PATIENCE: Final = 3  # readings that may be missed before a feed counts as late


@dataclass(frozen=True)
class Schedule:
    """`every` for a book read in pages, `by` for a daily file, neither for files by hand."""

    every: timedelta | None = None
    by: time | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError for a rule that is none."""
        word, _mark, rest = text.partition(":")
        if not text:
            return cls()
        if word == "every" and rest.isdigit() and int(rest) > 0:
            return cls(every=timedelta(seconds=int(rest)))
        if word == "daily":
            return cls(by=time.fromisoformat(rest))
        raise ValueError(text)


def is_due(schedule: Schedule, *, read_at: datetime | None, now: datetime) -> bool:
    """Whether a book that is read in pages is to be read again."""
    return schedule.every is not None and (read_at is None or now - read_at >= schedule.every)


def expected_up_to(schedule: Schedule, *, cut_off: time, now: datetime) -> datetime | None:
    """How far the watermark should be by now; None where nothing was promised."""
    if schedule.every is not None:
        return now - schedule.every * PATIENCE - timedelta(minutes=1)
    if schedule.by is None:
        return None
    today = business_day.of(now, cut_off=cut_off)
    ends = business_day.begins(today, cut_off=cut_off)
    is_time = now.astimezone(business_day.ZONE).time() >= schedule.by
    return ends if is_time else business_day.begins(today - timedelta(days=1), cut_off=cut_off)


def health(
    schedule: Schedule, *, complete_up_to: datetime | None, is_broken: bool, cut_off: time, now: datetime
) -> FeedHealth:
    """How a feed is. Trouble goes before lateness, because it is the cause of it."""
    if is_broken:
        return FeedHealth.BROKEN
    if complete_up_to is None:
        return FeedHealth.NEVER
    wanted = expected_up_to(schedule, cut_off=cut_off, now=now)
    return FeedHealth.LATE if wanted is not None and complete_up_to < wanted else FeedHealth.WELL
