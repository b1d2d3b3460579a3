"""The page before a place, the rows a reader has on screen, and a choice of states."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from orders.models import Order
from orders.queries.places import Place
from orders.queries.stuck import StuckFilter, StuckRow, stuck_page, stuck_totals
from orders.queries.stuck.around import stuck_among, stuck_page_before
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def test_the_page_before_is_the_page_one_came_from() -> None:
    for hours in range(5, 0, -1):
        make_order(since=ago(hours=hours))
    first = stuck_page(limit=2)
    second = stuck_page(after=first.after, limit=2)

    back, has_more = stuck_page_before(StuckFilter(), before=_place(second.rows[0]), limit=2)
    assert [row.order_id for row in back.rows] == [row.order_id for row in first.rows]
    assert (back.after, has_more) == (first.after, False)

    third = stuck_page(after=second.after, limit=2)
    back, has_more = stuck_page_before(StuckFilter(), before=_place(third.rows[0]), limit=2)
    assert [row.order_id for row in back.rows] == [row.order_id for row in second.rows]
    assert has_more


def test_nothing_stands_before_the_first() -> None:
    order = make_order(since=ago(hours=5))
    page, has_more = stuck_page_before(StuckFilter(), before=Place(order.entered_at, order.pk))
    assert (page.rows, page.after, has_more) == ([], None, False)


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
