"""One order's page put together: everything its templates draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.http import urlencode

from opsconsole.console.order_actions_shown import ShownAction, shown_actions
from opsconsole.console.order_choices import Choice, choices_of
from opsconsole.console.order_lines import Day, days_of
from opsconsole.console.order_truths import Truths, asked_truths, known_truths
from opsconsole.console.order_verdict import Verdict, verdict_of
from opsconsole.console.staff import actor_name
from opsconsole.console.tones import Tone, tone_of
from orders.diagnosis.findings import Finding
from orders.diagnosis.service import diagnose
from orders.models import Order
from orders.models.saga import LIVE_DISPATCH
from orders.queries.money import Money, money_of
from orders.queries.order_page import OrderRows, memory_of, people, rows_of
from orders.queries.stuck import StuckRow, limits_in_force, stuck_order
from orders.queries.timeline import Line, timeline
from orders.services.truths import Truth
from orders.services.verification.one_order import OrderVerdict, verify_order
from orders.states import OrderState, SagaState

PEEK_LINES: Final = 12


@dataclass(frozen=True)
class TimelineView:
    """How the timeline is read: all or only what changed a state; the newest or the oldest first."""

    only_moves: bool = False
    oldest_first: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> "TimelineView":
        return cls(only_moves=query.get("show") == "moves", oldest_first=query.get("first") == "oldest")

    @property
    def here(self) -> str:
        return _query(only_moves=self.only_moves, oldest_first=self.oldest_first)

    @property
    def everything(self) -> str:
        return _query(only_moves=False, oldest_first=self.oldest_first)

    @property
    def moves(self) -> str:
        return _query(only_moves=True, oldest_first=self.oldest_first)

    @property
    def turned(self) -> str:
        """The same from the other end."""
        return _query(only_moves=self.only_moves, oldest_first=not self.oldest_first)


def _query(*, only_moves: bool, oldest_first: bool) -> str:
    given = {"show": "moves"} if only_moves else {}
    return urlencode(given | ({"first": "oldest"} if oldest_first else {}))


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """What the templates of one order read. `limit` and `since` are those of what hangs, else of the
    order's own state. `keeps_truths`: the reader's panel with answers is still right and stays."""

    order: Order
    rows: OrderRows
    money: Money
    stuck: StuckRow | None
    verdict: Verdict
    choices: Sequence[Choice]
    actions: Sequence[ShownAction]
    truths: Truths
    keeps_truths: bool
    days: Sequence[Day]
    view: TimelineView
    is_cut: bool
    limit: timedelta | None
    stage: int
    stage_tone: Tone
    chain: OrderVerdict | None

    @property
    def next_choice(self) -> Choice | None:
        return next((choice for choice in self.choices if choice.is_next), None)

    @property
    def is_busy(self) -> bool:
        """Something was asked for and has not ended: look again soon."""
        return any(each.is_running and not each.waits_for_approval for each in self.actions)

    @property
    def is_in_dispatch(self) -> bool:
        """It has a place in the dispatch queue, and so a desk of its own."""
        return any(each.state in LIVE_DISPATCH for each in self.rows.dispatches)

    @property
    def is_payable(self) -> bool:
        return self.order.state in (OrderState.CREATED, OrderState.AWAITING_PAYMENT)

    @property
    def is_held(self) -> bool:
        return self.order.held_until is not None and self.order.held_until > timezone.now()

    @property
    def since(self) -> Any:
        return self.stuck.since if self.stuck else self.order.entered_at


def order_page(
    request: HttpRequest, order: Order, *, asked: Sequence[Truth] | None = None, short: bool = False
) -> OrderPage:
    """Reads all of it. `asked` are answers that were just given; `short` is for the panel."""
    rows = rows_of(order)
    money = money_of(order, rows.ledger, rows.refunds)
    limits = limits_in_force()
    stuck = stuck_order(order, limits=limits)
    finding = diagnose([stuck]).get(order.pk) if stuck else None
    verdict = verdict_of(rows, money, stuck, finding)
    view = TimelineView.read(request.GET)
    lines, is_cut = _lines(rows, view, short=short)
    return OrderPage(
        order=order,
        rows=rows,
        money=money,
        stuck=stuck,
        verdict=verdict,
        choices=choices_of(rows, money, request.user, next_step=str(verdict.step or "")),
        actions=_actions(rows, request.user),
        truths=known_truths(rows) if asked is None else asked_truths(rows, asked),
        keeps_truths=asked is None and request.GET.get("seen") == rows.seen,
        days=days_of(order, lines),
        view=view,
        is_cut=is_cut,
        limit=stuck.limit if stuck else limits.limit("order", order.state, order.service),
        stage=stage_of(rows),
        stage_tone=_stage_tone(order, stuck, finding),
        chain=None if short else verify_order(order),
    )


def _lines(rows: OrderRows, view: TimelineView, *, short: bool) -> tuple[Sequence[Line], bool]:
    memory = memory_of(rows.order)
    lines = timeline(rows, memory, only_moves=view.only_moves, newest_first=not view.oldest_first)
    if short and len(lines) > PEEK_LINES:
        return lines[:PEEK_LINES], True
    return lines, memory.is_cut


def _actions(rows: OrderRows, user: Any) -> list[ShownAction]:
    names = people(action.actor for action in rows.actions)
    return shown_actions(rows.actions, names, reader=actor_name(user))


def stage_of(rows: OrderRows) -> int:
    """1 created, 2 payment, 3 booked, 4 trip, 5 at Head Office: where it is, or where it ended."""
    state = rows.order.state
    if state in _STAGES:
        return _STAGES[state]
    if any(saga.state == SagaState.SUCCEEDED for saga in rows.sagas):
        return 4
    return 3 if rows.sagas else 2


_STAGES: Final[dict[str, int]] = {
    OrderState.CREATED: 1,
    OrderState.AWAITING_PAYMENT: 2,
    OrderState.PAID: 3,
    OrderState.BOOKING: 3,
    OrderState.QUEUED_FOR_DISPATCH: 3,
    OrderState.ACTIVE: 4,
    OrderState.COMPLETED: 5,
    OrderState.PAID_AFTER_CLOSE: 2,
}


def _stage_tone(order: Order, stuck: StuckRow | None, finding: Finding | None) -> Tone:
    if stuck and finding:
        return Tone.ATTENTION
    return tone_of("order", order.state)
