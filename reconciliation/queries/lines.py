"""Lines of the books as a person looks for them: by a name, or on some days by amount and source."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import F, Func, Q, QuerySet
from django.db.models.functions import Abs

from reconciliation.models import Break, Entry, HandLink
from reconciliation.states import BreakState, EntryStatus, LinkState, Pairing, Side

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A name (order or our reference), or days; within days an amount (minor units) and a source as well.

    `open_in`: only lines of breaks that are open between these two books; `near`: lines of about this amount first.
    """

    text: str = ""
    first_day: date | None = None
    last_day: date | None = None
    amount: int | None = None
    source: str = ""
    open_in: Pairing | None = None
    near: int | None = None

    @property
    def is_empty(self) -> bool:
        """Ten million lines are not looked through without a name or a day."""
        return not self.text and self.first_day is None


def lines(side: Side, wanted: LineFilter, *, size: int = SHOWN) -> list[Entry]:
    """Settled lines of one book, by day; from an index either way. None for an empty filter."""
    if wanted.is_empty:
        return []
    found = Entry.objects.select_related("load").filter(side=side, status=EntryStatus.SETTLED)
    found = _named(found, side, wanted.text) if wanted.text else found
    if wanted.first_day:
        found = _of_days(found, side, wanted, days=(wanted.first_day, wanted.last_day or wanted.first_day))
    if wanted.amount is not None:
        found = found.filter(amount__in=(wanted.amount, -wanted.amount))
    if wanted.source:
        found = found.filter(source=wanted.source)
    nearest = [] if wanted.near is None else [Abs(Abs("amount") - wanted.near)]
    return list(found.order_by(*nearest, "business_date", "pk")[:size])


def _of_days(found: QuerySet[Entry], side: Side, wanted: LineFilter, *, days: tuple[date, date]) -> QuerySet[Entry]:
    if wanted.open_in is None:
        return found.filter(business_date__range=days)
    open_ones = Break.objects.filter(pairing=wanted.open_in, state=BreakState.OPEN, business_date__range=days)
    ids = Func(F("ours" if side == Side.OURS else "theirs"), function="unnest")
    return found.filter(pk__in=open_ones.annotate(line=ids).values("line"))


def _named(found: QuerySet[Entry], side: Side, text: str) -> QuerySet[Entry]:
    by_order = Q(order_reference=text)
    return found.filter(by_order if side == Side.HO else by_order | Q(reference=text))


def lines_of(ids: list[int]) -> list[Entry]:
    return list(Entry.objects.select_related("load").filter(pk__in=ids).order_by("occurred_at", "pk"))


def links(*, limit: int = 50) -> list[HandLink]:
    """What waits for a second person first, then the newest."""
    waiting = list(HandLink.objects.filter(state=LinkState.PROPOSED).order_by("pk")[:limit])
    others = HandLink.objects.exclude(state=LinkState.PROPOSED).order_by("-pk")[:limit]
    return [*waiting, *others]


def link_of(pk: int) -> HandLink | None:
    return HandLink.objects.filter(pk=pk).first()
