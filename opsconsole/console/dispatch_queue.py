"""The dispatch queue as its page reads it: rows, counts, filters, addresses. A refresh moves no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Self

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console import keyset
from opsconsole.console.chips import NONE, Chip, Choices, Option, words_of
from opsconsole.console.formats import duration
from opsconsole.console.overview import Figure
from opsconsole.console.stuck_head import grouped, main_sum
from opsconsole.console.stuck_rows import item_of, service_label
from opsconsole.console.tones import Tone, label_of
from orders.models import DispatchEntry
from orders.models.saga import LIVE_DISPATCH
from orders.queries.dispatch import (
    DEAREST,
    OLDEST,
    Board,
    Page,
    Place,
    Wanted,
    entries_among,
    entry_page,
    newer_than,
    read_board,
)
from orders.queries.order_page import people
from orders.queries.stuck.limits import limits_in_force
from orders.services import dispatching
from orders.states import DispatchState

ME: Final = "me"
LISTS: Final[Mapping[str, str]] = {"city": "cities", "service": "services", "state": "states", "holder": "holders"}
NAMES: Final = (*LISTS, "sort")


@dataclass(frozen=True)
class Asked(keyset.Asked):
    """`since` is when the rows on screen were read; `actor` whose queue it is."""

    names = NAMES
    places = Place

    actor: str = ""
    since: datetime | None = None

    @classmethod
    def of(cls, query: QueryDict, *, actor: str) -> Self:
        return replace(cls.read(query), actor=actor, since=_instant(query.get("since", "")))

    @property
    def sort(self) -> str:
        return DEAREST if self.choices.one("sort") == DEAREST else OLDEST

    @property
    def filters(self) -> Choices:
        return Choices({name: values for name, values in self.choices.values.items() if name != "sort"})

    @cached_property
    def wanted(self) -> Wanted:
        lists = {name: self.choices.many(name) for name in LISTS}
        return Wanted(
            cities=tuple("" if city == NONE else city for city in lists["city"]),
            services=lists["service"],
            states=lists["state"],
            holders=tuple(_holder(value, self.actor) for value in lists["holder"]),
        )


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _holder(value: str, actor: str) -> str:
    if value == NONE:
        return ""
    return actor if value == ME else f"user:{value}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One place in the queue. `limit` is None for what waits no more."""

    entry: DispatchEntry
    trip: str
    item: str
    holder: str
    is_mine: bool
    limit: timedelta | None

    @property
    def code(self) -> str:
        return self.entry.order.public_id

    @property
    def is_late(self) -> bool:
        return self.limit is not None and timezone.now() - self.entry.created_at >= self.limit

    @property
    def is_gone(self) -> bool:
        return self.entry.state not in LIVE_DISPATCH

    @property
    def is_free(self) -> bool:
        return self.entry.state == DispatchState.WAITING

    @property
    def may_send(self) -> bool:
        return not self.entry.vehicle and (self.is_free or self.is_mine)


@dataclass(frozen=True, kw_only=True)
class Queue(keyset.KeysetList):
    """One page of the queue at one instant."""

    url_name = "dispatch"
    at: datetime
    asked: Asked
    rows: Sequence[Row]
    board: Board
    newcomers: int
    chips: Sequence[Chip]
    figures: Sequence[tuple[Promise, Figure]]
    pause: datetime | None
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def chosen(self) -> Board:
        return self.board.of(self.asked.wanted)

    @property
    def total(self) -> str:
        return grouped(self.chosen.count())

    @property
    def sums(self) -> tuple[str, str]:
        return main_sum(self.chosen.money())

    @property
    def pinned(self) -> Sequence[int]:
        return [row.entry.pk for row in self.rows]

    @property
    def seen(self) -> dict[str, str]:
        since = self.asked.since if self.asked.pins and self.asked.since else self.at
        return {"since": f"{since.timestamp():.3f}"}

    @cached_property
    def address(self) -> str:
        return reverse(self.url_name)

    @property
    def by_age(self) -> str:
        return _address(self.address, self.asked.choices.query(sort=""))

    @property
    def by_sum(self) -> str:
        return _address(self.address, self.asked.choices.query(sort=DEAREST))

    @property
    def tabs(self) -> list[tuple[str, str, str, bool]]:
        """(label, address, count, whether it is this one): everybody's, nobody's, mine."""
        on = self.asked.choices.many("holder")
        counts = self.board.by("holders", self.asked.wanted)
        tabs = (
            ("", _("All"), sum(counts.values())),
            (NONE, _("Nobody's yet"), counts.get("", 0)),
            (ME, _("Mine"), counts.get(self.asked.actor, 0)),
        )
        return [
            (
                label,
                _address(self.address, self.asked.choices.query(holder=value)),
                grouped(count),
                on == ((value,) if value else ()),
            )
            for value, label, count in tabs
        ]

    @property
    def patterns(self) -> list[tuple[str, str, str, bool]]:
        """Cities, then services: (label, count, address that narrows to it or back, whether it is on)."""
        return [*self._pattern("city", str), *self._pattern("service", service_label)]

    def _pattern(self, name: str, called: Any) -> list[tuple[str, str, str, bool]]:
        counts = self.board.by(LISTS[name], self.asked.wanted)
        found = []
        for value in sorted(counts, key=lambda each: (-counts[each], each)):
            is_on = (value or NONE) in self.asked.choices.many(name)
            to = self.asked.choices.query(**{name: "" if is_on else value or NONE})
            found.append((called(value) or _("Unknown"), grouped(counts[value]), _address(self.address, to), is_on))
        return found

    @property
    def words(self) -> list[str]:
        """The filters that are on, for the empty list that names them."""
        return words_of(self.chips)


def _address(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address


def read_queue(asked: Asked) -> Queue:
    """A fixed number of queries: the limits, the rows, the board, what is new, people's names."""
    now, board, limits = timezone.now(), read_board(), limits_in_force()
    page = _again(asked) if asked.pins else _anew(asked)
    names = people({cell.holder for cell in board.cells} | {entry.claimed_by for entry in page.entries})
    pause = dispatching.pause()
    since = asked.since if asked.pins else None
    return Queue(
        at=now,
        asked=asked,
        rows=[_row(entry, asked, names, limits) for entry in page.entries],
        board=board,
        newcomers=newer_than(asked.wanted, since, shown=asked.pins) if since else 0,
        chips=_chips(asked, board, names),
        figures=_figures(board, now, pause),
        pause=pause,
        next_place=page.next,
        previous_place=page.previous,
        names=names,
    )


def _anew(asked: Asked) -> Page:
    return entry_page(asked.wanted, sort=asked.sort, after=asked.after, before=asked.before, limit=keyset.PAGE)


def _again(asked: Asked) -> Page:
    entries = entries_among(asked.pins)
    is_full = len(asked.pins) == keyset.PAGE
    return Page(
        entries,
        next=Place.of(entries[-1], asked.sort) if entries and (is_full or asked.before) else None,
        previous=Place.of(entries[0], asked.sort) if entries and asked.place else None,
    )


def _row(entry: DispatchEntry, asked: Asked, names: Mapping[str, str], limits: Any) -> Row:
    is_live = entry.state in LIVE_DISPATCH
    return Row(
        entry=entry,
        trip=trip_of(entry),
        item=item_of(entry.order.service, entry.city),
        holder=names.get(entry.claimed_by, entry.claimed_by.removeprefix("user:")),
        is_mine=entry.state == DispatchState.CLAIMED and entry.claimed_by == asked.actor,
        limit=limits.limit("dispatch", entry.state, entry.order.service) if is_live else None,
    )


def trip_of(entry: DispatchEntry) -> str:
    """`Sudirman → Kemang`, as far as the order says."""
    details = entry.step.item.details if entry.step.item else {}
    ends = [place_of(details.get(end)) for end in ("pickup", "dropoff")]
    return " → ".join(each or "–" for each in ends) if any(ends) else ""


def place_of(place: Any) -> str:
    return str(place.get("address", "") if isinstance(place, Mapping) else place or "")


def _chips(asked: Asked, board: Board, names: Mapping[str, str]) -> list[Chip]:
    return [_chip(name, asked, board.by(LISTS[name], asked.wanted), names) for name in LISTS]


_LABELS: Final[Mapping[str, Promise]] = {
    "city": gettext_lazy("City"),
    "service": gettext_lazy("Service"),
    "state": gettext_lazy("State"),
    "holder": gettext_lazy("Held by"),
}


def _chip(name: str, asked: Asked, counts: Mapping[str, int], names: Mapping[str, str]) -> Chip:
    on = getattr(asked.wanted, LISTS[name])
    values = dict.fromkeys((*sorted(counts, key=lambda value: (-counts[value], value)), *on))
    options = [
        Option(
            value=value.removeprefix("user:") or NONE,
            label=_called(name, value, names),
            count=counts.get(value, 0),
            is_on=value in on,
        )
        for value in values
    ]
    return Chip(name=name, label=_LABELS[name], options=options)


def _called(name: str, value: str, names: Mapping[str, str]) -> str:
    if name == "holder":
        return names.get(value, value.removeprefix("user:")) or _("Nobody")
    if name == "state" and value in DispatchState.values:
        return str(label_of("dispatch", value))
    return service_label(value) if name == "service" else value or _("Unknown")


def _figures(board: Board, now: datetime, pause: datetime | None) -> list[tuple[Promise, Figure]]:
    count, oldest, money = board.count(), board.oldest(), main_sum(board.money())
    held = board.count(lambda cell: cell.state == DispatchState.CLAIMED)
    cars = sum(cell.cars for cell in board.cells)
    waits = Tone.ATTENTION if count else Tone.DONE
    return [
        (gettext_lazy("Waiting for a car"), Figure(text=grouped(count), note=_paid_for(count), tone=waits)),
        (gettext_lazy("Oldest"), Figure(text=duration(now - oldest) if oldest else "–", tone=waits)),
        (gettext_lazy("Money waiting"), Figure(text=money[0], note=f"+ {money[1]}" if money[1] else "", tone=waits)),
        (gettext_lazy("In people's hands"), Figure(text=grouped(held), note=_with_a_car(cars))),
        (gettext_lazy("Next try"), _next_try(board, now, pause)),
    ]


def _paid_for(count: int) -> str:
    return _("all are paid") if count else _("nobody waits")


def _with_a_car(cars: int) -> str:
    return _("%(count)s with a car") % {"count": grouped(cars)} if cars else ""


def _next_try(board: Board, now: datetime, pause: datetime | None) -> Figure:
    """When the machine tries next, or that it waits for the breaker of the dispatch system."""
    if pause is not None:
        return Figure(text=_("Breaker open"), note=_("no call gets through"), tone=Tone.FAILED)
    due = board.next_try()
    if due is None:
        return Figure(text="–")
    return Figure(text=_("now") if due <= now else duration(due - now), note=_("each every five minutes"))
