"""Business days as a calendar shows them: how each is, and how much money of it nobody has explained yet."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Min
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _

from reconciliation import business_day
from reconciliation.day_states import CLOSED_DAYS
from reconciliation.models import Feed
from reconciliation.queries.days import days_between
from reconciliation.queries.totals import by_day
from reconciliation.states import Side


class HowItIs(TextChoices):
    """`locked` goes before all else; `incomplete`: a book that is in use does not reach to its end yet."""

    LOCKED = "locked", _("Locked")
    OPEN = "open", _("Open breaks")
    INCOMPLETE = "incomplete", _("Books incomplete")
    EMPTY = "empty", _("No lines")
    IN_ORDER = "in_order", _("In order")


@dataclass(frozen=True, slots=True)
class ShownDay:
    """One business day; `unexplained` is the money at stake in its open breaks, by currency, in minor units."""

    day: date
    state: HowItIs
    breaks: int = 0
    unexplained: dict[str, int] = field(default_factory=dict)


def days(first: date, last: date) -> list[ShownDay]:
    """From one day to another, both included: four queries, each by an index. Days after `last` are not asked for."""
    sums, with_lines, complete = by_day(first, last), _with_lines(first, last), complete_up_to()
    locked = {day for day, kept in days_between(first, last).items() if kept.state in CLOSED_DAYS}
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found_days = [_day(day, sums, with_lines, complete) for day in every]
    return [replace(each, state=HowItIs.LOCKED) if each.day in locked else each for each in found_days]


def _day(
    day: date, sums: dict[date, dict[str, tuple[int, int]]], with_lines: set[date], complete: datetime | None
) -> ShownDay:
    if open_ := sums.get(day):
        money = {currency: amount for currency, (_count, amount) in sorted(open_.items())}
        return ShownDay(day, HowItIs.OPEN, sum(count for count, _money in open_.values()), money)
    if complete is None or complete < business_day.begins(day + timedelta(days=1)):
        return ShownDay(day, HowItIs.INCOMPLETE)
    return ShownDay(day, HowItIs.IN_ORDER if day in with_lines else HowItIs.EMPTY)


def complete_up_to() -> datetime | None:
    """How far the least complete book reaches that anything was ever loaded into; None where there is none."""
    in_use = Feed.objects.filter(is_active=True).exclude(side=Side.OURS)
    least: datetime | None = in_use.aggregate(least=Min("complete_up_to"))["least"]
    return least


_WITH_LINES = """
SELECT d.day::date FROM generate_series(%s::date, %s::date, interval '1 day') AS d (day)
WHERE EXISTS (
    SELECT FROM reconciliation_entry e WHERE e.side IN ('ours', 'ho', 'gateway') AND e.business_date = d.day::date)
"""


def _with_lines(first: date, last: date) -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute(_WITH_LINES, [first, last])
        return {row[0] for row in cursor.fetchall()}
