"""How old a difference is, in business days, and how urgent that and its amount make it. Pure.

A business day is Monday to Friday by Jakarta's calendar; holidays are not known here, so an age may
be a day too high after one, never too low. Severity follows the larger of two scales (amount or age),
as in the field's products: a small old break and a large new one are both urgent.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from orders.money import exponent
from reconciliation import business_day

BUCKETS: Final = ("<1", "1-3", "3-7", "7-30", ">30")
_EDGES: Final = (1, 3, 7, 30)  # business days
_WEEK: Final = 5


class Severity(TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


# From how much money, in major units of the rupiah, and from what age in business days.
_LIMITS: Final = (
    (Severity.CRITICAL, 100_000_000, 5),
    (Severity.HIGH, 10_000_000, 3),
    (Severity.MEDIUM, 1_000_000, 1),
)
_RUPIAH_A_UNIT: Final = 15_000  # the order of magnitude of a dollar or euro; other currencies are judged by it


def days_ago(now: datetime, days: int) -> datetime:
    """The same time of day, `days` business days earlier. On a weekend counting begins on its Friday."""
    local = now.astimezone(business_day.ZONE)
    while local.weekday() >= _WEEK:
        local -= timedelta(days=1)
    weeks, rest = divmod(days, _WEEK)
    local -= timedelta(weeks=weeks)
    for _each in range(rest):
        local -= timedelta(days=3 if local.weekday() == 0 else 1)
    return local


def bucket_bounds(now: datetime) -> list[tuple[datetime | None, datetime | None]]:
    """For each of BUCKETS the instants between which money moved: older than the first, not older than the second."""
    edges = [days_ago(now, days) for days in _EDGES]
    return list(zip([None, *edges], [*edges, None], strict=True))


def bucket(occurred_at: datetime, now: datetime) -> str:
    """Which of BUCKETS something is in that happened at `occurred_at`."""
    return BUCKETS[sum(occurred_at < days_ago(now, days) for days in _EDGES)]


def in_rupiah(amount: int, currency: str) -> int:
    """About how much that is, for limits that are set in rupiah. Never for books."""
    return amount if currency == "IDR" else amount * _RUPIAH_A_UNIT // 10 ** exponent(currency)


def severity(*, exposure: int, currency: str, occurred_at: datetime, now: datetime) -> Severity:
    """By the amount (minor units) or the age, whichever is worse."""
    rupiah = in_rupiah(exposure, currency)
    for level, amount, days in _LIMITS:
        if rupiah >= amount or occurred_at < days_ago(now, days):
            return level
    return Severity.LOW
