"""Moving and giving back many rows by one statement."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, transaction
from django.utils import timezone

from orders import sets
from orders.errors import IllegalEdge, StaleState
from orders.leases import End, claim_each, finish_all
from orders.models import Attempt, History, Order
from orders.states import OrderState, OrderVerb
from orders.transitions import Move, lock, lock_again, lock_all, move, move_all
from tests.locks import assert_may_be_referred_to
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db


def test_rows_move_along_their_own_edges_with_their_own_values() -> None:
    first, second = make_order("created"), make_order("awaiting_payment")
    at = timezone.now() - timedelta(hours=1)

    with transaction.atomic():
        rows = lock_all(Order, [first.pk, second.pk])
        move_all(
            [
                Move(rows[first.pk], OrderVerb.PAY, "gateway:midtrans", reason="a", at=at, changes={"city": "Medan"}),
                Move(rows[second.pk], OrderVerb.CANCEL, "user:sari", reason="b", detail={"why": 1}),
            ]
        )

    for known in (rows[first.pk], rows[second.pk]):
        stored = Order.objects.get(pk=known.pk)
        assert (stored.state, stored.version) == (known.state, known.version)
    paid = Order.objects.get(pk=first.pk)
    assert (paid.state, paid.entered_at, paid.city) == (OrderState.PAID, at, "Medan")
    last = [History.objects.filter(order_id=each.pk).order_by("seq").last() for each in (first, second)]
    assert [(each.verb, each.actor, each.reason, each.detail) for each in last if each] == [
        ("pay", "gateway:midtrans", "a", {}),
        ("cancel", "user:sari", "b", {"why": 1}),
    ]


def test_an_edge_that_does_not_exist_stops_the_whole_batch() -> None:
    good, bad = make_order("created"), make_order("completed")

    with pytest.raises(IllegalEdge), transaction.atomic():
        move_all([Move(each, OrderVerb.PAY, "test") for each in (good, bad)])

    good.refresh_from_db()
    assert good.state == OrderState.CREATED


def test_a_row_that_moved_since_it_was_read_stops_the_whole_batch() -> None:
    good, stale = make_order("created"), make_order("created")
    seen = Order.objects.get(pk=stale.pk)
    with transaction.atomic():
        move_all([Move(stale, OrderVerb.CANCEL, "test")])

    with pytest.raises(StaleState), transaction.atomic():
        move_all([Move(each, OrderVerb.PAY, "test") for each in (good, seen)])

    good.refresh_from_db()
    assert good.state == OrderState.CREATED


def test_a_text_that_is_too_long_is_refused_and_not_cut() -> None:
    order = make_order()
    with pytest.raises(DataError), transaction.atomic():
        sets.write(Order, [sets.Change(order.pk, {"city": "x" * 41}, seen={})])


def test_only_rows_that_are_still_ours_are_given_back() -> None:
    mine, lost = make_attempt(make_order()), make_attempt(make_order())
    held = claim_each(Attempt, [mine.pk, lost.pk])
    assert claim_each(Attempt, [mine.pk, lost.pk]) == []
    Attempt.objects.filter(pk=lost.pk).update(token=99)

    assert finish_all(End(row, None, {"answer": "seen"}) for row in held) == {mine.pk}
    assert [each.answer for each in Attempt.objects.order_by("pk")] == ["seen", ""]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["lock", "lock_all"])
def test_a_locked_order_does_not_stop_what_refers_to_it(kind: str) -> None:
    """Its steps move meanwhile: the check of their reference waits for no lock, so that the two cannot wait for
    each other (one for the order, one for the head of its chain)."""
    order = make_order("booking")
    with transaction.atomic():
        lock(order) if kind == "lock" else lock_all(Order, [order.pk])
        assert_may_be_referred_to(order)


def test_a_row_locked_again_is_read_anew_only_where_somebody_changed_it(django_assert_num_queries: Any) -> None:
    rows = [make_order("created") for _number in range(3)]
    Order.objects.filter(pk=rows[1].pk).update(city="Medan")
    with transaction.atomic(), django_assert_num_queries(1):
        same = lock_again(rows, tells=())
    assert [same[row.pk] for row in rows] == rows
    assert same[rows[1].pk] is rows[1]

    with transaction.atomic(), django_assert_num_queries(2):
        found = lock_again(rows, tells=("city",))
    assert [found[row.pk] is row for row in rows] == [True, False, True]
    assert found[rows[1].pk].city == "Medan"


def test_a_row_whose_move_was_rolled_back_is_read_anew() -> None:
    order = make_order("created")
    with suppress(ZeroDivisionError), transaction.atomic():
        move_all([Move(order, OrderVerb.PAY, "test")])
        raise ZeroDivisionError

    with transaction.atomic():
        found = lock_again([order], tells=())[order.pk]
        move(found, OrderVerb.CANCEL, actor="test")
    assert Order.objects.get().state == OrderState.CANCELLED


def test_nothing_to_lock_is_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert lock_again([], tells=()) == {}
