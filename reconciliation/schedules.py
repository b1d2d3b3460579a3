"""When a feed is due, and how it is: rules over a schedule, a watermark and the last reading. Pure.

A schedule is `every:300` (seconds between two readings of a book that is read in pages), `daily:09:00` (WIB time by
which yesterday's file must be there), or nothing where files come when they come.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Self

from reconciliation import business_day
from reconciliation.states import FeedHealth

_WEEK: Final = 7
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


def next_run(schedule: Schedule, *, weekdays: str, after: datetime) -> datetime:
    """When a run by the clock begins next, later than `after`; `weekdays` are ISO days in WIB, at least one.

    Raises ValueError for a rule or days by which none ever would.
    """
    if schedule.every is not None:
        found = after + schedule.every
    elif schedule.by is not None:
        found = _at(after.astimezone(business_day.ZONE).date(), schedule.by)
    else:
        raise ValueError("a run by the clock needs a rule")
    for _each in range(_WEEK + 1):
        local = found.astimezone(business_day.ZONE)
        if found > after and str(local.isoweekday()) in weekdays:
            return found
        found = _at(local.date() + timedelta(days=1), schedule.by or time(0, 0))
    raise ValueError("a run by the clock needs a weekday")


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=business_day.ZONE)
