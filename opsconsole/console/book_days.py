"""The calendar of business days, and what lies open by its age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils.dates import MONTHS, WEEKDAYS_ABBR

from opsconsole.console.break_words import BUCKET_WORDS
from opsconsole.console.tones import Tone
from reconciliation import business_day
from reconciliation.ageing import BUCKETS
from reconciliation.queries.calendar import HowItIs, ShownDay, days
from reconciliation.queries.totals import Ageing, ageing

_WEEK: Final = 7
DAY_TONES: Final = {
    HowItIs.LOCKED: Tone.DONE,
    HowItIs.OPEN: Tone.ATTENTION,
    HowItIs.INCOMPLETE: Tone.WAITING,
    HowItIs.EMPTY: Tone.NEUTRAL,
    HowItIs.IN_ORDER: Tone.DONE,
}


@dataclass(frozen=True, kw_only=True)
class DayCell:
    """One day of the calendar; `found` is None for days that are still to come."""

    day: date
    is_today: bool
    found: ShownDay | None = None
    tone: Tone = Tone.NEUTRAL
    label: str = ""
    href: str = ""

    @property
    def money(self) -> list[tuple[int, str]]:
        return [(amount, currency) for currency, amount in self.found.unexplained.items()] if self.found else []


def calendar(month: str, now: datetime) -> dict[str, Any]:
    """Weeks of the month named `2026-11`, or of this one; cells outside of it are None."""
    today = business_day.of(now)
    first = _first(month) or today.replace(day=1)
    last = _next(first) - timedelta(days=1)
    found = {each.day: each for each in days(first, min(last, today))} if first <= today else {}
    cells: list[DayCell | None] = [None] * first.weekday()
    cells += [_cell(first + timedelta(days=number), found, today) for number in range((last - first).days + 1)]
    cells += [None] * (-len(cells) % _WEEK)
    earlier = first - timedelta(days=1)
    return {
        "title": f"{MONTHS[first.month]} {first.year}",
        "weekdays": list(WEEKDAYS_ABBR.values()),
        "weeks": [cells[at : at + _WEEK] for at in range(0, len(cells), _WEEK)],
        "earlier": f"{earlier:%Y-%m}",
        "later": f"{_next(first):%Y-%m}" if _next(first) <= today else "",
    }


def _cell(day: date, found: dict[date, ShownDay], today: date) -> DayCell:
    each = found.get(day)
    if each is None:
        return DayCell(day=day, is_today=False)
    return DayCell(
        day=day,
        is_today=day == today,
        found=each,
        tone=DAY_TONES[each.state],
        label=str(each.state.label),
        href=reverse("day", args=[day]),
    )


def _first(month: str) -> date | None:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        return None


def _next(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def by_age(now: datetime) -> list[dict[str, Any]]:
    """Open breaks by their age, every bucket, with its share of all."""
    found = ageing(now)
    total = sum(each.breaks for each in found)
    return [_bucket(name, [each for each in found if each.bucket == name], total) for name in BUCKETS]


def _bucket(name: str, these: Sequence[Ageing], total: int) -> dict[str, Any]:
    count = sum(each.breaks for each in these)
    return {
        "label": BUCKET_WORDS[name],
        "value": name,
        "count": count,
        "money": [(each.money, each.currency) for each in these],
        "share": count / total if total else 0.0,
    }
