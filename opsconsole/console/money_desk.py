"""Queues of money that came late, twice, wrong or went back: count, sum, clock, advice, and the way to the order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from opsconsole.console import keyset
from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.money_advice import WORDS, Words
from opsconsole.console.reading import known
from opsconsole.console.stuck_head import grouped, main_sum
from opsconsole.console.stuck_rows import item_of, paid_with
from orders.queries.money_queues import Case, MoneyRow, Total, money_among, money_page, money_totals
from orders.queries.places import Place


@dataclass(frozen=True, kw_only=True)
class Row:
    """`is_over` when the money lies longer than it may; `is_gone` when it was decided about."""

    money: MoneyRow
    item: str
    paid_with: str
    is_over: bool

    @property
    def code(self) -> str:
        return self.money.public_id

    @property
    def is_gone(self) -> bool:
        return not self.money.case


class Asked(keyset.Asked):
    names = ("case",)
    places = Place

    @property
    def case(self) -> Case:
        """The queue that an address asks for."""
        named = self.choices.one("case")
        return Case(named) if named in set(Case) else Case.LATE


@dataclass(frozen=True, kw_only=True)
class Desk(keyset.KeysetList):
    """One queue, and the counts of all."""

    url_name = "money"
    asked: Asked
    at: datetime
    rows: Sequence[Row]
    totals: Mapping[Case, Total]
    newcomers: int

    @property
    def case(self) -> Case:
        return self.asked.case

    @property
    def pinned(self) -> Sequence[int]:
        return [row.money.row_id for row in self.rows]

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
            (
                WORDS[case].title,
                self.tab(case=str(case)),
                grouped(total.count),
                case == self.case,
            )
            for case, total in self.totals.items()
        ]


def read_desk(asked: Asked) -> Desk:
    """Two queries: every queue's totals, and a page of one; a third where a row on screen has left it."""
    now, case = timezone.now(), asked.case
    page, next_place = money_page(case, after=asked.after, limit=keyset.PAGE)
    held = keyset.hold(asked, page, by=lambda row: row.row_id, gone=lambda ids: money_among(case, ids))
    return Desk(
        at=now,
        asked=asked,
        rows=[_row(each, case, now) for each in held.rows],
        totals=money_totals(),
        newcomers=held.newcomers,
        next_place=held.next_place if asked.pins else next_place,
    )


def _row(money: MoneyRow, case: Case, now: datetime) -> Row:
    return Row(
        money=money,
        item=item_of(money.service, money.city),
        paid_with=paid_with(money.method, money.gateway),
        is_over=now - money.since >= WORDS[case].limit,
    )


@require_GET
@allowed("view_orders")
def money(request: HttpRequest) -> HttpResponse:
    asked = Asked.read(request.GET)
    context: dict[str, Any] = {
        "desk": known(lambda: read_desk(asked)),
        "asked": asked,
        "section": "orders",
        "place": "money",
    }
    return answer(request, "console/money.html", "console/money/live.html", context)
