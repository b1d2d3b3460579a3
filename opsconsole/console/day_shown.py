"""Days as screens show them: the month, one day's bridge and what it waits for, the rows of a step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from opsconsole.console import day_bridge
from opsconsole.console.day_words import day_pill, gateway_name, step_label
from opsconsole.console.staff import person
from opsconsole.console.tones import Tone
from orders.queries.order_page import people
from orders.queries.telling import who
from reconciliation.day_states import CLOSED_DAYS, VERB_LABELS, Book, DayState, DayVerb, Step
from reconciliation.models import Day, DayFigure, DayItem, Entry
from reconciliation.queries import calendar
from reconciliation.queries import days as queries
from reconciliation.queries.calendar import HowItIs, ShownDay
from reconciliation.services import bridges, closing
from reconciliation.states import BreakType

PAGE: Final = 50
WEEK: Final = 7


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One day of the calendar; `unnamed` and `open_breaks` by currency, without their sign. `how` is said of the books
    where it is worth a word, and `breaks` counts the open ones."""

    date: date
    day: Day | None
    label: str | Promise
    tone: Tone
    unnamed: Sequence[tuple[int, str]]
    open_breaks: Sequence[tuple[int, str]]
    breaks: int
    how: str | Promise
    is_today: bool
    is_in_month: bool
    is_future: bool


def month_of(first: date, *, today: date) -> dict[str, Any]:
    """A month by weeks that begin on Monday. Seven queries, whatever the month."""
    begin = first - timedelta(days=first.weekday())
    after = (first + timedelta(days=32)).replace(day=1)
    weeks = -(-((after - begin).days) // WEEK)
    end = begin + timedelta(days=weeks * WEEK - 1)
    known, figures = queries.days_between(begin, end), queries.figures_between(begin, end)
    dates = [begin + timedelta(days=n) for n in range(weeks * WEEK)]
    books = {each.day: each for each in calendar.days(begin, min(end, today))} if begin <= today else {}
    cells = [_cell(each, known.get(each), figures.get(each, ()), books.get(each), first, today) for each in dates]
    return {
        "first": first,
        "weeks": [cells[n : n + WEEK] for n in range(0, len(cells), WEEK)],
        "before": f"{first - timedelta(days=1):%Y-%m}",
        "after": f"{after:%Y-%m}" if after <= today else "",
        "this": f"{first:%Y-%m}",
        "is_now": first == today.replace(day=1),
        "newest": f"{today:%Y-%m}",
        "legend": _LEGEND,
        "here": f"{reverse('days')}?month={first:%Y-%m}",
    }


_LEGEND: Final = (
    ("failed", _("money that nothing explains: it blocks signing")),
    ("attention", _("money in open breaks, each with a name")),
    ("waiting", _("a book does not reach to the end of the day yet")),
    ("done", _("signed or locked")),
)


def _cell(
    on: date, day: Day | None, figures: Sequence[DayFigure], books: ShownDay | None, first: date, today: date
) -> Cell:
    label, tone = day_pill(day)
    broken: dict[str, int] = {}
    for figure in figures:
        if figure.step in BreakType.values:
            broken[figure.currency] = broken.get(figure.currency, 0) + abs(figure.amount)
    return Cell(
        date=on,
        day=day,
        label=label,
        tone=tone,
        unnamed=[(amount, currency) for currency, amount in bridges.unnamed(figures).items() if amount],
        open_breaks=[(amount, currency) for currency, amount in sorted(broken.items()) if amount],
        breaks=books.breaks if books else 0,
        how=books.state.label if books and books.state == HowItIs.INCOMPLETE else "",
        is_today=on == today,
        is_in_month=on.month == first.month,
        is_future=on > today,
    )


def shown_day(day: Day, request: HttpRequest) -> dict[str, Any]:
    """One day: its bridge in the chosen currency, at one gateway or at all, and what may be done now."""
    figures = queries.figures_of(day) if day.pk else []
    currencies = sorted({figure.currency for figure in figures}, key=lambda code: (code != "IDR", code))
    asked = request.GET.get("currency", "")
    currency = asked if asked in currencies else (currencies or ["IDR"])[0]
    label, tone = day_pill(day)
    return {
        "day": day,
        "label": label,
        "tone": tone,
        "currency": currency,
        "currencies": currencies,
        "carried": queries.carried_to(day.date),
        "carried_away": queries.carried_from(day.date).count(),
        "here": f"{reverse('day', args=[day.date])}?{request.GET.urlencode()}",
        **_bridge(day, [each for each in figures if each.currency == currency], request.GET.get("gateway"), currency),
        **_decisions(day, person(request).get_username()),
    }


def _bridge(day: Day, figures: Sequence[DayFigure], asked: str | None, currency: str) -> dict[str, Any]:
    gateways = sorted({figure.gateway for figure in figures}, key=lambda name: (name == "", name))
    chosen = [asked] if asked in gateways else gateways
    rows = day_bridge.rows_of(figures, chosen)
    one = chosen[0] if len(chosen) == 1 else None
    return {
        "gateway": asked if asked in gateways else None,
        "gateways": [(each, gateway_name(each)) for each in gateways],
        "columns": [(each, gateway_name(each)) for each in chosen],
        "rows": [(row, rows_address(day, row.book, row.step, one)) for row in rows],
        "picture": day_bridge.picture(rows, currency=currency, label=day_bridge.summary(rows, currency=currency)),
        "is_zoomed": day_bridge.is_zoomed(rows),
    }


def _decisions(day: Day, username: str) -> dict[str, Any]:
    checks = closing.checks(day) if day.pk and day.state == DayState.OPEN else []
    events = queries.events_of(day) if day.pk else []
    known = people([event.actor for event in events] + [day.signed_by, day.locked_by, day.asked_by])
    return {
        "checks": checks,
        "may_sign": bool(checks) and all(check.holds for check in checks),
        "asks_reason": bool(day.pk and queries.open_breaks_of(day)),
        "is_closed": day.state in CLOSED_DAYS,
        "is_mine": day.asked_by == f"user:{username}",
        "is_behind": bridges.is_behind(day),
        "signed_by": who(day.signed_by, known) if day.signed_by else "",
        "locked_by": who(day.locked_by, known) if day.locked_by else "",
        "asked_by": who(day.asked_by, known) if day.asked_by else "",
        "events": [(event, VERB_LABELS[DayVerb(event.verb)], who(event.actor, known)) for event in events],
    }


def rows_address(day: Day, book: str, step: str, gateway: str | None) -> str:
    query = {"book": book, "step": step, **({"gateway": gateway} if gateway is not None else {})}
    return f"{reverse('day-rows', args=[day.date])}?{urlencode(query)}"


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One thing of a step, with its lines."""

    item: DayItem
    gateway: str | Promise
    entries: Sequence[Entry]


def shown_rows(day: Day, request: HttpRequest, *, book: str, step: str, gateway: str | None) -> dict[str, Any]:
    after = int(text) if (text := request.GET.get("after", "")).isdecimal() and len(text) < 19 else 0
    items = list(queries.items_of(day, book=book, step=step, gateway=gateway, after=after)[: PAGE + 1])
    lines = [] if items else list(queries.lines_of(day, book=book, step=step, gateway=gateway, after=after)[: PAGE + 1])
    here = rows_address(day, book, step, gateway)
    more = (items or lines)[PAGE:]
    return {
        "title": step_label(step) if step in (*Step.values, *BreakType.values) else step,
        "book": Book(book).label,
        "gateway_name": gateway_name(gateway) if gateway is not None else "",
        "items": _items(items[:PAGE]),
        "lines": lines[:PAGE],
        "total": _total(day, book, step, gateway),
        "here": f"{here}&after={after}" if after else here,
        "next_url": f"{here}&after={(items or lines)[PAGE - 1].pk}" if more else "",
        "first_url": here if after else "",
        "csv_url": here.replace("/rows/", "/rows.csv"),
    }


def _items(items: Sequence[DayItem]) -> Sequence[ItemRow]:
    entries: Mapping[int, Entry] = Entry.objects.in_bulk([pk for item in items for pk in item.entries[:20]])
    return [
        ItemRow(
            item=item,
            gateway=gateway_name(item.gateway),
            entries=[entries[pk] for pk in item.entries[:20] if pk in entries],
        )
        for item in items
    ]


def _total(day: Day, book: str, step: str, gateway: str | None) -> Sequence[tuple[int, str]]:
    found: dict[str, int] = {}
    for figure in day.figures.all():
        if (figure.book, figure.step) == (book, step) and gateway in (None, figure.gateway):
            found[figure.currency] = found.get(figure.currency, 0) + figure.amount
    return [(amount, currency) for currency, amount in sorted(found.items())]
