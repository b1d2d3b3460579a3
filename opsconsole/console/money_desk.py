"""Queues of money that came late, twice, wrong or went back: count, sum, clock, advice, and the way to the order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.money_advice import WORDS, Words
from opsconsole.console.reading import known
from opsconsole.console.stuck_head import grouped, main_sum
from opsconsole.console.stuck_rows import item_of, paid_with
from orders.queries.money_queues import Case, MoneyRow, Total, money_page, money_totals
from orders.queries.places import Place

PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """`is_over` when the money lies longer than it may."""

    money: MoneyRow
    item: str
    paid_with: str
    is_over: bool

    @property
    def code(self) -> str:
        return self.money.public_id

    @property
    def key(self) -> str:
        return f"{self.money.case}-{self.money.row_id}"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One queue, and the counts of all."""

    at: datetime
    case: Case
    rows: Sequence[Row]
    totals: Mapping[Case, Total]
    after: Place | None
    next_place: Place | None

    @property
    def words(self) -> Words:
        return WORDS[self.case]

    @property
    def total(self) -> str:
        return grouped(self.totals[self.case].count)

    @property
    def everything(self) -> str:
        return grouped(sum(total.count for total in self.totals.values()))

    @property
    def sums(self) -> tuple[str, str]:
        return main_sum(self.totals[self.case].money)

    @property
    def tabs(self) -> list[tuple[Promise, str, str, bool]]:
        """(label, address, count, whether it is this one)."""
        return [
            (WORDS[case].title, self._address({"case": str(case)}), grouped(total.count), case == self.case)
            for case, total in self.totals.items()
        ]

    @cached_property
    def here(self) -> str:
        return self._address({"case": str(self.case), **({"after": str(self.after)} if self.after else {})})

    @property
    def next(self) -> str:
        return self._address({"case": str(self.case), "after": str(self.next_place)}) if self.next_place else ""

    @property
    def first(self) -> str:
        return self._address({"case": str(self.case)}) if self.after else ""

    @property
    def export(self) -> str:
        return f"{reverse('money-export')}?{urlencode({'case': str(self.case)})}"

    def _address(self, more: Mapping[str, str]) -> str:
        return f"{reverse('money')}?{urlencode(more)}"


def case_of(query: QueryDict) -> Case:
    """The queue that an address asks for."""
    named = str(query.get("case", ""))
    return Case(named) if named in set(Case) else Case.LATE


def read_desk(query: QueryDict) -> Desk:
    """Two queries: every queue's totals, and a page of one."""
    case = case_of(query)
    after, now = Place.parse(query.get("after", "")), timezone.now()
    rows, next_place = money_page(case, after=after, limit=PAGE)
    return Desk(
        at=now,
        case=case,
        rows=[_row(each, now) for each in rows],
        totals=money_totals(),
        after=after,
        next_place=next_place,
    )


def _row(money: MoneyRow, now: datetime) -> Row:
    return Row(
        money=money,
        item=item_of(money.service, money.city),
        paid_with=paid_with(money.method, money.gateway),
        is_over=now - money.since >= WORDS[Case(money.case)].limit,
    )


@require_GET
@allowed("view_orders")
def money(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "desk": known(lambda: read_desk(request.GET)),
        "section": "orders",
        "place": "money",
    }
    return answer(request, "console/money.html", "console/money/live.html", context)
