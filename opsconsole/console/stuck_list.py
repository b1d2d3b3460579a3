"""Reading the stuck list: one page of it, the numbers around it, and the same page again a little later.

A refresh never moves a row: it brings the rows the reader has on screen up to date, leaves freed ones
in their place, and counts what is new. The rows travel in the address as `pins`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.http import QueryDict
from django.utils import timezone

from opsconsole.console.chips import Choices
from opsconsole.console.staff import names_by_id
from opsconsole.console.stuck_choices import chosen, filters_of, read, view_of
from opsconsole.console.stuck_head import day_began
from opsconsole.console.stuck_rows import Row, free_line, in_order, is_diagnosed, stuck_line
from orders.models import Order
from orders.queries.places import Place
from orders.queries.stuck import StuckFilter, StuckRow, View, limits_in_force
from orders.queries.stuck.board import Board, Seen, Turn, combined, read_board
from orders.queries.stuck.course import Course, course
from orders.queries.stuck.latest import last_changes

PAGE: Final = 50


@dataclass(frozen=True)
class Pins:
    """What a page showed: the orders in their order, when they were read, and the place they end at."""

    at: datetime
    order_ids: tuple[int, ...]
    until: Place | None = None

    def __str__(self) -> str:
        return f"{self.at.timestamp():.3f}~{self.until or ''}~{'.'.join(map(str, self.order_ids))}"

    @classmethod
    def parse(cls, text: str) -> "Pins | None":
        """None for nothing or nonsense: then the page is read anew."""
        try:
            seconds, until, ids = text.split("~")
            at = datetime.fromtimestamp(float(seconds), UTC)
            order_ids = tuple(int(each) for each in ids.split(".") if each)
        except (ValueError, OverflowError, OSError):
            return None
        return cls(at, order_ids[:PAGE], Place.parse(until))


@dataclass(frozen=True)
class Asked:
    """All that the address says."""

    choices: Choices
    view: View
    after: Place | None = None
    before: Place | None = None
    pins: Pins | None = None
    peek: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> "Asked":
        choices = read(query)
        return cls(
            choices=choices,
            view=view_of(choices),
            after=Place.parse(query.get("after", "")),
            before=Place.parse(query.get("before", "")),
            pins=Pins.parse(query.get("pins", "")),
            peek=query.get("peek", "")[:64],
        )

    @property
    def filters(self) -> Choices:
        return filters_of(self.choices)

    def place(self) -> dict[str, str]:
        """Where in the list the page stands, as parameters."""
        if self.before is not None:
            return {"before": str(self.before)}
        return {"after": str(self.after)} if self.after is not None else {}

    def wanted(self, user_id: int) -> StuckFilter:
        return combined(self.view.filter(user_id=user_id), chosen(self.choices, user_id=user_id))


@dataclass(frozen=True, kw_only=True)
class StuckList:
    """One page of the list at one instant."""

    at: datetime
    rows: Sequence[Row]
    board: Board
    course: Course
    people: Mapping[int, str]
    pins: Pins
    next: Place | None
    previous: Place | None

    @property
    def count(self) -> int:
        return self.board.chosen.count


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The rows of a page and what surrounds them."""

    rows: Sequence[Row]
    pins: Pins
    next: Place | None = None
    previous: Place | None = None


def read_values(asked: Asked, *, user_id: int) -> tuple[Board, Mapping[int, str]]:
    """What each value of each filter would give now, and everybody's name."""
    board = read_board(
        base=asked.view.filter(user_id=user_id),
        chosen=chosen(asked.choices, user_id=user_id),
        user_id=user_id,
        at=timezone.now(),
        limits=limits_in_force(),
    )
    return board, names_by_id()


def read_list(
    asked: Asked, *, user_id: int, with_facets: bool, also: Sequence[tuple[StuckFilter, StuckFilter]] = ()
) -> StuckList:
    """A fixed number of queries, whatever hangs. `also` are further filters to be counted."""
    now, people, pins = timezone.now(), names_by_id(), asked.pins
    page = Seen(pins.order_ids, pins.at, asked.after, pins.until) if pins else Turn(PAGE, asked.after, asked.before)
    board = read_board(
        base=asked.view.filter(user_id=user_id),
        chosen=chosen(asked.choices, user_id=user_id),
        user_id=user_id,
        at=now,
        with_facets=with_facets,
        page=page,
        also=also,
        limits=limits_in_force(),
    )
    got = _again(asked, pins, people, board.rows) if pins else _anew(asked, people, board.rows, now)
    return StuckList(
        at=now,
        rows=got.rows,
        board=board,
        course=course(now=now, day_began=day_began(now)),
        people=people,
        pins=got.pins,
        next=got.next,
        previous=got.previous,
    )


def _anew(asked: Asked, people: Mapping[int, str], found: Sequence[StuckRow], now: datetime) -> _Read:
    """One row more was read than is shown: there is one behind the page, or before it when it was asked backwards."""
    has_more = len(found) > PAGE
    rows = found[-PAGE:] if asked.before else found[:PAGE]
    first, last = (_place(rows[0]), _place(rows[-1])) if rows else (None, None)
    is_first = not has_more if asked.before else asked.after is None
    until = last if has_more or asked.before else None
    return _Read(
        rows=_lines(rows, people),
        pins=Pins(now, tuple(row.order_id for row in rows), until),
        next=until,
        previous=None if is_first else first,
    )


def _place(row: StuckRow) -> Place:
    return Place(row.since, row.order_id)


def _again(asked: Asked, pins: Pins, people: Mapping[int, str], found: Sequence[StuckRow]) -> _Read:
    """The rows on screen as they are now, freed ones in their place."""
    still = {row.order_id for row in found}
    freed = [pk for pk in pins.order_ids if pk not in still]
    orders = Order.objects.select_related("owning_attempt").filter(pk__in=freed) if freed else ()
    lines = [*_lines(found, people), *(free_line(order, people=people) for order in orders)]
    return _Read(
        rows=in_order(lines, pins.order_ids),
        pins=pins,
        next=pins.until,
        previous=_place(found[0]) if found and asked.place() else None,
    )


def _lines(found: Sequence[StuckRow], people: Mapping[int, str]) -> list[Row]:
    last = last_changes([row.order_id for row in found if not is_diagnosed(row)])
    return [stuck_line(row, people=people, last=last) for row in found]
