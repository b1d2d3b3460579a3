"""A list that goes on by key: what its address says, its pages, and a refresh that moves no row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from opsconsole.console.chips import Choices
from orders.queries.places import Place

PAGE: Final = 50


class Placed(Protocol):
    """A row of a list that is sorted by an instant."""

    @property
    def place(self) -> Place: ...


Row = TypeVar("Row", bound=Placed)


@dataclass(frozen=True)
class Asked:
    """All that an address says; what makes no sense is left out. `pins` are the ids of the rows on screen, which a
    refresh brings up to date where they are; `peek` is the order whose panel is open.

    A list names its filters and the type of its places.
    """

    names: ClassVar[Sequence[str]]
    places: ClassVar[Any]

    choices: Choices
    after: Any = None
    before: Any = None
    pins: tuple[int, ...] = ()
    peek: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        return cls(
            choices=Choices.read(query, cls.names),
            after=cls.places.parse(query.get("after", "")),
            before=cls.places.parse(query.get("before", "")),
            pins=pins_of(query),
            peek=query.get("peek", "")[:64],
        )

    @property
    def place(self) -> dict[str, str]:
        """Where in the list the page stands, as parameters."""
        if self.before is not None:
            return {"before": str(self.before)}
        return {"after": str(self.after)} if self.after is not None else {}


def pins_of(query: QueryDict) -> tuple[int, ...]:
    """The ids that a refresh names, at most a page of them."""
    ids = [each for each in query.get("pins", "").split(".") if each.isdecimal() and len(each) < 19]
    return tuple(int(each) for each in ids[:PAGE])


@dataclass(frozen=True)
class Held(Generic[Row]):
    """Rows as the reader has them, in that order, and how many more there would be between them by now."""

    rows: Sequence[Row]
    newcomers: int = 0
    next_place: Any = None


def hold(
    asked: Asked, page: Sequence[Row], *, by: Callable[[Row], int], gone: Callable[[Sequence[int]], Sequence[Row]]
) -> Held[Row]:
    """A refresh moves no row: those on screen stay where they are, also those that the list has no more.

    `page` is what would stand here now, `by` a row's id, `gone` finds rows that are not on it. Each row has a `place`.
    """
    if not asked.pins:
        return Held(page)
    found = {by(row): row for row in page if by(row) in asked.pins}
    missing = [pk for pk in asked.pins if pk not in found]
    found |= {by(row): row for row in gone(missing)} if missing else {}
    rows = [found[pk] for pk in asked.pins if pk in found]
    is_full = len(asked.pins) == PAGE
    end = rows[-1].place if rows and is_full else None
    newer = [row for row in page if by(row) not in asked.pins and (end is None or row.place < end)]
    return Held(rows, len(newer), end)


@dataclass(frozen=True, kw_only=True)
class KeysetList:
    """`next_place` and `previous_place` are where other pages begin, if any do."""

    url_name: ClassVar[str]
    asked: Asked
    rows: Sequence[Any] = ()
    next_place: Any
    previous_place: Any = None

    @property
    def shown(self) -> int:
        """Rows on screen that are still on the list."""
        return sum(not getattr(row, "is_gone", False) for row in self.rows)

    @property
    def query(self) -> str:
        return self.asked.choices.query()

    @property
    def here(self) -> str:
        return self._with(self.asked.place)

    @property
    def first(self) -> str:
        """Empty on the first page."""
        return self._with({}) if self.asked.place else ""

    @property
    def next(self) -> str:
        """Empty on the last page."""
        return self._with({"after": str(self.next_place)}) if self.next_place else ""

    @property
    def previous(self) -> str:
        """Empty on the first page, and where a list goes one way only."""
        return self._with({"before": str(self.previous_place)}) if self.previous_place else ""

    @property
    def export(self) -> str:
        return f"{reverse(f'{self.url_name}-export')}?{self.query}"

    @property
    def pinned(self) -> Sequence[int]:
        """The ids of its rows, where a refresh is to move none."""
        return ()

    @property
    def seen(self) -> dict[str, str]:
        """What a refresh says beside its pins, so that the list can tell what is new."""
        return {}

    @property
    def fresh(self) -> str:
        """What a refresh asks for."""
        pins = {"pins": ".".join(map(str, self.pinned)), **self.seen} if self.pinned else {}
        return self._with({**self.asked.place, **pins})

    @property
    def back_query(self) -> str:
        """For a panel: where closing it leads."""
        return urlencode({"back": self.here})

    @property
    def peek_base(self) -> str:
        """The address of the list with a panel open, but for the order's name."""
        return f"{self.here}{'&' if '?' in self.here else '?'}peek="

    def tab(self, **choice: str) -> str:
        """The first page with one thing chosen otherwise."""
        return f"{reverse(self.url_name)}?{self.asked.choices.query(**choice)}"

    def _with(self, place: dict[str, str]) -> str:
        query = "&".join(each for each in (self.query, urlencode(place)) if each)
        address = reverse(self.url_name)
        return f"{address}?{query}" if query else address
