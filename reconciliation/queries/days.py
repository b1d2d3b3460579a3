"""Business days and their bridges, read for screens and reports. Never writes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from django.db.models import QuerySet, Sum
from django.db.models.functions import Abs

from reconciliation.day_states import Book, Step
from reconciliation.models import CarriedLine, Day, DayEvent, DayFigure, DayItem, Entry
from reconciliation.states import BreakType, EntryKind, EntryStatus, Side

PAGE = 50
_KINDS = {
    Step.GROSS: (EntryKind.PAYMENT,),
    Step.REFUNDS: (EntryKind.REFUND,),
    Step.REVERSALS: (EntryKind.REVERSAL, EntryKind.ADJUSTMENT),
    Step.FEES: (EntryKind.FEE,),
    Step.FEES_KEPT: (EntryKind.FEE,),
}
_SIDES = {Book.GATEWAY: Side.GATEWAY, Book.OURS: Side.OURS, Book.HO: Side.HO}


def find_day(date_: date) -> Day | None:
    return Day.objects.select_related("run").filter(date=date_).first()


def days_between(first: date, last: date) -> Mapping[date, Day]:
    return {day.date: day for day in Day.objects.filter(date__range=(first, last))}


def figures_of(day: Day) -> Sequence[DayFigure]:
    return list(day.figures.all())


def figures_between(first: date, last: date) -> Mapping[date, Sequence[DayFigure]]:
    """Figures of many days, by day; one query."""
    found: dict[date, list[DayFigure]] = defaultdict(list)
    for figure in DayFigure.objects.filter(day__date__range=(first, last)).select_related("day"):
        found[figure.day.date].append(figure)
    return found


def open_breaks_of(day: Day) -> dict[str, int]:
    """What the day's open breaks move, by currency, each without its sign."""
    found = DayItem.objects.filter(day=day, step__in=BreakType.values).order_by().values_list("currency")
    return {currency: int(total) for currency, total in found.annotate(total=Sum(Abs("amount")))}


def events_of(day: Day) -> Sequence[DayEvent]:
    return list(day.events.order_by("-id"))


def carried_to(date_: date, *, limit: int = PAGE) -> Sequence[tuple[CarriedLine, Entry]]:
    """Late lines of closed days that belong to this one."""
    found = list(CarriedLine.objects.filter(to_day=date_).order_by("from_day", "entry")[:limit])
    entries = Entry.objects.in_bulk([line.entry for line in found])
    return [(line, entries[line.entry]) for line in found if line.entry in entries]


def carried_from(date_: date) -> QuerySet[CarriedLine]:
    return CarriedLine.objects.filter(from_day=date_).order_by("to_day", "entry")


def items_of(day: Day, *, book: str, step: str, gateway: str | None = None, after: int = 0) -> QuerySet[DayItem]:
    """What a step is made of, the largest first; from there on by id."""
    found = DayItem.objects.filter(day=day, book=book, step=step, pk__gt=after).order_by("pk")
    return found if gateway is None else found.filter(gateway=gateway)


def lines_of(day: Day, *, book: str, step: str, gateway: str | None = None, after: int = 0) -> QuerySet[Entry]:
    """The lines that a total or a sum of lines is made of, by id. Empty for steps that are made of items.

    Head Office's lines say nothing of a gateway: of one gateway, its bridge lists what is not matched.
    """
    found = _of_day(day).filter(pk__gt=after).order_by("pk")
    if step == Step.NOT_COMPARED:
        found = found.filter(pk__gt=day.up_to_entry)
    elif step == Step.NO_REPORT:
        found = found.filter(side=Side.OURS)
    elif step == Step.TOTAL and book in _SIDES:
        found = found.filter(side=_SIDES[Book(book)])
    elif step in _KINDS:
        found = found.filter(side=Side.GATEWAY, kind__in=_KINDS[Step(step)])
    else:
        return found.none()
    return found if gateway is None or book == Book.HO else found.filter(source=gateway)


def _of_day(day: Day) -> QuerySet[Entry]:
    """Its lines: of its date and not carried away, or carried here."""
    here = CarriedLine.objects.filter(to_day=day.date).values("entry")
    away = CarriedLine.objects.filter(from_day=day.date).values("entry")
    lines = Entry.objects.filter(status=EntryStatus.SETTLED).exclude(kind=EntryKind.PAYOUT)
    return (lines.filter(business_date=day.date).exclude(pk__in=away)) | lines.filter(pk__in=here)
