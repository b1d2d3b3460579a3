"""The dispatch queue of people: what waits for a car, by keyset, and how much of it there is."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Count, F, Min, Q, QuerySet, Sum

from orders.models import DispatchEntry
from orders.models.saga import LIVE_DISPATCH
from orders.states import DispatchState

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST, DEAREST = "oldest", "dearest"
FREE: Final = ""  # as a holder: nobody


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means any. `holders` are actors, FREE for entries nobody has."""

    cities: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: microseconds of the birth, or minor units, and the entry's id."""

    key: int
    entry_id: int

    def __str__(self) -> str:
        return f"{self.key}-{self.entry_id}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        key, _dash, entry_id = text.partition("-")
        if not (key.isdecimal() and entry_id.isdecimal() and len(key) < 19 and len(entry_id) < 19):
            return None
        return cls(int(key), int(entry_id))

    @classmethod
    def of(cls, entry: DispatchEntry, sort: str) -> "Place":
        micros = (entry.created_at - EPOCH) // timedelta(microseconds=1)
        return cls(entry.order.amount if sort == DEAREST else micros, entry.pk)


@dataclass(frozen=True, slots=True)
class Page:
    """`next` and `previous` are the places to go on from, None at either end."""

    entries: list[DispatchEntry]
    next: Place | None = None
    previous: Place | None = None


def live() -> QuerySet[DispatchEntry]:
    return DispatchEntry.objects.filter(state__in=LIVE_DISPATCH)


def matching(wanted: Wanted) -> QuerySet[DispatchEntry]:
    """Every live entry that fits, in no order."""
    given = Q()
    for lookup, values in (("city", wanted.cities), ("order__service", wanted.services), ("state", wanted.states)):
        given &= Q(**{f"{lookup}__in": values}) if values else Q()
    if wanted.holders:
        given &= Q(claimed_by__in=wanted.holders)
    return live().filter(given)


def _rows(entries: QuerySet[DispatchEntry]) -> QuerySet[DispatchEntry]:
    return entries.select_related("order", "step__item")


def entry_page(
    wanted: Wanted, *, sort: str = OLDEST, after: Place | None = None, before: Place | None = None, limit: int = 50
) -> Page:
    """The page behind `after`, the one before `before`, or the first. One query."""
    rows = _rows(matching(wanted))
    if before is not None:
        return _page_before(rows, before, sort, limit)
    if after is not None:
        rows = rows.filter(_beyond(after, sort, forward=True))
    found = list(rows.order_by(*_order(sort, forward=True))[: limit + 1])
    shown = found[:limit]
    return Page(
        shown,
        next=Place.of(shown[-1], sort) if len(found) > limit else None,
        previous=Place.of(shown[0], sort) if shown and after is not None else None,
    )


def _page_before(rows: QuerySet[DispatchEntry], before: Place, sort: str, limit: int) -> Page:
    earlier = rows.filter(_beyond(before, sort, forward=False)).order_by(*_order(sort, forward=False))
    found = list(earlier[: limit + 1])
    shown = found[:limit][::-1]
    return Page(
        shown,
        next=Place.of(shown[-1], sort) if shown else None,
        previous=Place.of(shown[0], sort) if len(found) > limit else None,
    )


def _order(sort: str, *, forward: bool) -> tuple[str, str]:
    if sort == DEAREST:
        return ("-order__amount", "pk") if forward else ("order__amount", "-pk")
    return ("created_at", "pk") if forward else ("-created_at", "-pk")


def _beyond(place: Place, sort: str, *, forward: bool) -> Q:
    """Behind (or before) a place in the sort's own order; ids always rise."""
    if sort == DEAREST:
        key, less = "order__amount", forward
        value: object = place.key
    else:
        key, less = "created_at", not forward
        value = EPOCH + timedelta(microseconds=place.key)
    further = Q(**{f"{key}__{'lt' if less else 'gt'}": value})
    return further | Q(**{key: value, f"pk__{'gt' if forward else 'lt'}": place.entry_id})


def all_entries(wanted: Wanted, *, batch: int) -> Iterator[DispatchEntry]:
    """Every entry that fits, the oldest first, page by page."""
    after: Place | None = None
    while True:
        page = entry_page(wanted, after=after, limit=batch)
        yield from page.entries
        after = page.next
        if after is None:
            return


def entries_among(ids: Sequence[int]) -> list[DispatchEntry]:
    """Entries that a reader has on screen, as they are now, live or not, in the reader's order. One query."""
    found = {entry.pk: entry for entry in _rows(DispatchEntry.objects.filter(pk__in=ids))}
    return [found[pk] for pk in ids if pk in found]


def newer_than(wanted: Wanted, at: datetime, *, shown: Sequence[int]) -> int:
    """How many came into the queue since a page was read. One query."""
    return matching(wanted).filter(created_at__gt=at).exclude(pk__in=shown).count()


def free_ids(wanted: Wanted, *, sort: str, most: int = 50) -> list[int]:
    """The first entries nobody has, for whoever takes the next."""
    rows = matching(wanted).filter(state=DispatchState.WAITING)
    return list(rows.order_by(*_order(sort, forward=True)).values_list("pk", flat=True)[:most])


@dataclass(frozen=True, slots=True)
class Cell:
    """Live entries that are alike in everything a filter may ask."""

    city: str
    service: str
    state: str
    holder: str
    cars: int
    currency: str
    count: int
    amount: int
    oldest: datetime
    next_try: datetime | None


@dataclass(frozen=True)
class Board:
    """All live entries, put together by what a filter may ask. Every number of the page comes from it."""

    cells: Sequence[Cell] = field(default_factory=tuple)

    def count(self, only: Callable[[Cell], bool] = lambda _cell: True) -> int:
        return sum(cell.count for cell in self.cells if only(cell))

    def money(self, only: Callable[[Cell], bool] = lambda _cell: True) -> Mapping[str, int]:
        """Minor units by currency; they are never added."""
        sums: Counter[str] = Counter()
        for cell in self.cells:
            if only(cell):
                sums[cell.currency] += cell.amount
        return sums

    def oldest(self) -> datetime | None:
        return min((cell.oldest for cell in self.cells), default=None)

    def next_try(self) -> datetime | None:
        """When the machine tries the first of them again; None when it tries none."""
        return min((cell.next_try for cell in self.cells if cell.next_try), default=None)

    def by(self, name: str, wanted: Wanted) -> Mapping[str, int]:
        """Counts by one of the filters, with all the others in force."""
        counts: Counter[str] = Counter()
        for cell in self.cells:
            if _fits(cell, wanted, without=name):
                counts[getattr(cell, _FIELDS[name])] += cell.count
        return counts

    def of(self, wanted: Wanted) -> "Board":
        return Board([cell for cell in self.cells if _fits(cell, wanted)])


_FIELDS: Final = {"cities": "city", "services": "service", "states": "state", "holders": "holder"}


def _fits(cell: Cell, wanted: Wanted, *, without: str = "") -> bool:
    chosen = ((name, getattr(wanted, name)) for name in _FIELDS if name != without)
    return all(not values or getattr(cell, _FIELDS[name]) in values for name, values in chosen)


def read_board() -> Board:
    """One query over the live entries."""
    rows = (
        live()
        .values("city", "state", service=F("order__service"), holder=F("claimed_by"), currency=F("order__currency"))
        .annotate(
            count=Count("pk"),
            cars=Count("pk", filter=~Q(vehicle="")),
            amount=Sum("order__amount"),
            oldest=Min("created_at"),
            next_try=Min("due_at", filter=Q(state=DispatchState.WAITING)),
        )
        .order_by()
    )
    return Board([Cell(**row) for row in rows])


def queue_length() -> int:
    """How many entries are live. One index-only count."""
    return live().count()
