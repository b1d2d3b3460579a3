"""Pages forth and back, the rows a reader has on screen, and a choice of states."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from orders.models import Order
from orders.queries.places import Place
from orders.queries.stuck import StuckFilter, StuckRow, limits_in_force, stuck_page, stuck_totals
from orders.queries.stuck.around import stuck_among
from orders.queries.stuck.board import Turn, read_board
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def turned(**places: Place | None) -> list[int]:
    """The rows of a page of two, and of one more."""
    everything = StuckFilter()
    board = read_board(
        base=everything, chosen=everything, user_id=None, at=timezone.now(), page=Turn(limit=2, **places)
    )
    return [row.order_id for row in board.rows]


def test_a_page_is_turned_forth_and_back_and_says_whether_more_follows() -> None:
    made = [make_order(since=ago(hours=hours)).pk for hours in range(5, 0, -1)]
    rows = stuck_page(limit=5).rows

    assert turned() == made[:3]
    assert turned(after=_place(rows[1])) == made[2:5]
    assert turned(after=_place(rows[3])) == made[4:]
    assert turned(before=_place(rows[2])) == made[:2], "no row stands before these"
    assert turned(before=_place(rows[4])) == made[1:4]
    assert turned(before=_place(rows[0])) == []


def test_the_rows_of_a_board_say_what_those_of_the_list_say() -> None:
    make_order("paid", since=ago(hours=3), amount=70_000)
    refunded = make_order("cancelled", since=ago(hours=2))
    make_refund(make_attempt(refunded, "paid"), "failed", since=ago(hours=2), amount=30_000)
    wanted, limits = StuckFilter(), limits_in_force()
    board = read_board(
        base=wanted, chosen=wanted, user_id=None, at=(at := timezone.now()), page=Turn(limit=5), limits=limits
    )
    assert [replace(row, clock=at) for row in stuck_page(limits=limits).rows] == board.rows
    assert [(row.machine, row.amount) for row in board.rows] == [("order", 70_000), ("refund", 30_000)]


def test_rows_on_screen_are_found_held_or_not_and_freed_ones_are_not() -> None:
    held = make_order(since=ago(hours=2))
    Order.objects.filter(pk=held.pk).update(held_until=timezone.now() + timedelta(hours=1))
    stuck = make_order(since=ago(hours=1))
    fresh = make_order()
    found = [row.order_id for row in stuck_among([fresh.pk, stuck.pk, held.pk])]
    assert found == [held.pk, stuck.pk]


def test_a_choice_of_states_is_of_machine_and_state_together() -> None:
    created = make_order(since=ago(hours=2))
    paid = make_order("paid", since=ago(hours=2))
    refunded = make_order("cancelled", since=ago(hours=2))
    make_refund(make_attempt(refunded, "paid"), "failed", since=ago(hours=2))
    posted = make_order("completed", since=ago(hours=2))
    make_posting(posted, "due", since=ago(hours=2))

    def ids(*kinds: tuple[str, str]) -> set[int]:
        return {row.order_id for row in stuck_page(StuckFilter(kinds=kinds)).rows}

    assert ids(("order", "created")) == {created.pk}
    assert ids(("order", "paid"), ("refund", "failed")) == {paid.pk, refunded.pk}
    assert ids(("refund", "sent")) == set()
    assert ids() == {created.pk, paid.pk, refunded.pk, posted.pk}
    assert stuck_totals(StuckFilter(kinds=(("posting", "due"),))).count == 1


def _place(row: StuckRow) -> Place:
    return Place(row.since, row.order_id)
