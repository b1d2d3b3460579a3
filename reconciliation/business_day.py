"""Which business day a moment belongs to. The only place that decides it, for Python and for SQL.

Days are Asia/Jakarta's. A feed's cut-off is a WIB time of day: what happens from then on belongs to
the next day. 00:00 means that the day ends at midnight.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Jakarta")
MIDNIGHT: Final = time(0, 0)


def shift(cut_off: time) -> timedelta:
    """What to add to the local time so that a day which ends at `cut_off` ends at midnight."""
    if cut_off == MIDNIGHT:
        return timedelta(0)
    return timedelta(days=1) - timedelta(hours=cut_off.hour, minutes=cut_off.minute, seconds=cut_off.second)


def of(at: datetime, *, cut_off: time = MIDNIGHT) -> date:
    """The business day of an aware instant."""
    return (at.astimezone(ZONE).replace(tzinfo=None) + shift(cut_off)).date()


def begins(day: date, *, cut_off: time = MIDNIGHT) -> datetime:
    """The first instant of a business day, in UTC."""
    local = datetime.combine(day, MIDNIGHT) - shift(cut_off)
    return local.replace(tzinfo=ZONE).astimezone(UTC)


# The same for PostgreSQL: reconciliation_business_day(occurred_at, shift). Made by a migration; inlined by the planner.
FUNCTION: Final = """
CREATE OR REPLACE FUNCTION reconciliation_business_day(at timestamptz, shift interval) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE RETURN ((at AT TIME ZONE 'Asia/Jakarta') + shift)::date
"""
