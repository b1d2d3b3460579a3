"""The stuck list as its templates read it: words, addresses, tabs, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.http import urlencode

from opsconsole.console import bulk_plan, desk
from opsconsole.console.chips import Chip
from opsconsole.console.models import SavedView
from opsconsole.console.overview import CannotKnow, Figure
from opsconsole.console.reading import known
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.saved_views import address_of, canonical, deleted_view, pair_of, views_of
from opsconsole.console.staff import person
from opsconsole.console.stuck_choices import VIEWS, chips, in_words
from opsconsole.console.stuck_head import figures, grouped, main_sum
from opsconsole.console.stuck_list import Asked, StuckList, read_list, read_values
from orders.queries.stuck import View
from runbooks.queries.incidents import live_incidents

VALUES: Final = "values"  # parameter of the address: with what each value of a filter would give
BULK_RIGHTS: Final = ("recheck_payment", "assign_order", "hold_order")


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One saved view: everybody's, or the reader's own (`own` is its row)."""

    label: str | Promise
    href: str
    count: str
    is_current: bool = False
    own: SavedView | None = None


@dataclass(frozen=True, kw_only=True)
class Screen:
    """All that the page shows. `list` is CannotKnow when the database did not answer; then there are
    neither tabs nor figures, because a zero would be a lie. `values` is where the filters' values stand, where they
    are not here."""

    asked: Asked
    list: StuckList | CannotKnow
    tabs: Sequence[Tab] = ()
    own: SavedView | None = None
    deleted: SavedView | None = None
    figures: Sequence[tuple[Promise, Figure]] = ()
    chips: Sequence[Chip] = ()
    words: Sequence[str] = ()
    sums: tuple[str, str] = ("", "")
    last_recovered_at: datetime | None = None
    values: str = ""

    @cached_property
    def address(self) -> str:
        return reverse("stuck")

    @cached_property
    def query(self) -> str:
        """View and filters, without page and panel."""
        return self.asked.choices.query()

    @property
    def clear(self) -> str:
        """The same tab without filters; a tab of one's own is its filters, so all is shown."""
        return _with_query(
            self.address, self.asked.choices.query(**dict.fromkeys(self.asked.filters.values, ""), saved="")
        )

    @cached_property
    def here(self) -> str:
        """The same page of the list without a panel: where closing one leads."""
        return _with_query(self.address, _joined(self.query, urlencode(self.asked.place())))

    @cached_property
    def peek_base(self) -> str:
        """To be followed by an order's id: the same page with its panel open."""
        return f"{self.here}{'&' if '?' in self.here else '?'}peek="

    @property
    def fresh(self) -> str:
        """What a refresh asks: the same rows, a little later."""
        pins = urlencode({"pins": str(self.list.pins)}) if isinstance(self.list, StuckList) else ""
        return _with_query(self.address, _joined(self.query, urlencode(self.asked.place()), pins))

    def page(self, name: str, place: object) -> str:
        return _with_query(self.address, _joined(self.query, urlencode({name: str(place)})))

    @property
    def next(self) -> str:
        return self.page("after", self.list.next) if isinstance(self.list, StuckList) and self.list.next else ""

    @property
    def previous(self) -> str:
        found = self.list.previous if isinstance(self.list, StuckList) else None
        return self.page("before", found) if found else ""

    @property
    def export(self) -> str:
        return _with_query(reverse("stuck-export"), self.query)

    @property
    def is_changed(self) -> bool:
        """The reader's own view, with other filters than it was saved with."""
        return self.own is not None and canonical(self.query) != self.own.query

    @property
    def count(self) -> str:
        return grouped(self.list.count) if isinstance(self.list, StuckList) else ""

    @property
    def everything(self) -> str:
        return grouped(self.list.board.everything.count) if isinstance(self.list, StuckList) else ""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The filters of the list with all their values."""

    asked: Asked
    chips: Sequence[Chip]


def screen_of(request: HttpRequest, *, with_facets: bool) -> Screen:
    """Reads everything once."""
    user, asked = person(request), Asked.read(request.GET)
    own = views_of(user)
    found = known(
        lambda: read_list(
            asked, user_id=user.pk, with_facets=with_facets, also=[pair_of(view, user.pk) for view in own]
        )
    )
    if isinstance(found, CannotKnow):
        return Screen(asked=asked, list=found)
    here, values = _own_view(own, asked), "" if with_facets else _values_of(asked)
    return Screen(
        asked=asked,
        list=found,
        tabs=_tabs(own, found, asked),
        own=here,
        deleted=deleted_view(user, request.GET.get("deleted", "")),
        figures=figures(found.board, found.course, now=found.at, address=reverse("stuck")),
        chips=chips(asked.choices, found.board, people=found.people, user_id=user.pk, more=values),
        values=values,
        words=in_words(asked.choices, found.board, people=found.people, user_id=user.pk),
        sums=main_sum(found.board.chosen.money),
        last_recovered_at=None if found.board.everything.count else found.course.last_recovered_at,
    )


def _values_of(asked: Asked) -> str:
    return _with_query(reverse("stuck"), _joined(asked.choices.query(), urlencode({**asked.place(), VALUES: "1"})))


def values_of(request: HttpRequest) -> Filters | CannotKnow:
    """Only the filters, with the counts of their values: asked for when the reader reaches for them."""
    user, asked = person(request), Asked.read(request.GET)
    found = known(lambda: read_values(asked, user_id=user.pk))
    if isinstance(found, CannotKnow):
        return found
    board, people = found
    return Filters(asked=asked, chips=chips(asked.choices, board, people=people, user_id=user.pk))


def context_of(request: HttpRequest, screen: Screen) -> dict[str, Any]:
    """What a person may do with a selection, beside the screen itself."""
    user = person(request)
    return {
        **dialogs_of(user),
        "screen": screen,
        "section": "orders",
        "place": "stuck",
        "back_query": urlencode({"back": screen.here}),
        "may_pick": any(user.has_perm(RIGHT_BY_CODENAME[right].permission) for right in BULK_RIGHTS),
    }


def dialogs_of(user: User) -> dict[str, Any]:
    """What the dialogs of the bulk bar offer. The database is asked when they are drawn: a refresh draws none."""
    may_assign, may_pin = (
        user.has_perm(RIGHT_BY_CODENAME[right].permission) for right in ("assign_order", "lead_incidents")
    )
    return {
        "plannable": bulk_plan.offered(user),
        "incidents": SimpleLazyObject(live_incidents) if may_pin else (),
        "colleagues": desk.colleagues() if may_assign else (),
        "spans": [(str(int(span.total_seconds())), span) for span in desk.SPANS],
    }


def _own_view(own: Sequence[SavedView], asked: Asked) -> SavedView | None:
    return next((view for view in own if str(view.pk) == asked.choices.one("saved")), None)


def _tabs(own: Sequence[SavedView], found: StuckList, asked: Asked) -> list[Tab]:
    here, board = _own_view(own, asked), found.board
    shared = [_shared_tab(view, board.views, is_current=here is None and view == asked.view) for view in VIEWS]
    mine = [
        Tab(label=view.name, href=address_of(view), count=grouped(count), is_current=view == here, own=view)
        for view, count in zip(own, board.also, strict=True)
    ]
    return [*shared, *mine]


def _shared_tab(view: View, counts: Mapping[View, int], *, is_current: bool) -> Tab:
    query = "" if view == View.ALL else urlencode({"view": view.value})
    href = _with_query(reverse("stuck"), query)
    return Tab(label=VIEWS[view], href=href, count=grouped(counts.get(view, 0)), is_current=is_current)


def _joined(*queries: str) -> str:
    return "&".join(query for query in queries if query)


def _with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
