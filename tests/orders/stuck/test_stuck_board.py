"""The numbers around the stuck list: equal to the single questions, each filter independent."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.models import Diagnosis, Order
from orders.queries.places import Place
from orders.queries.stuck import (
    StuckFilter,
    StuckRow,
    View,
    limits_in_force,
    stuck_counts,
    stuck_page,
    stuck_totals,
)
from orders.queries.stuck.board import Board, Seen, combined, read_board
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = pytest.mark.django_db

ANYTHING = StuckFilter()


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def board(base: StuckFilter = ANYTHING, chosen: StuckFilter = ANYTHING, **more: Any) -> Board:
    return read_board(base=base, chosen=chosen, user_id=more.pop("user_id", None), at=timezone.now(), **more)


@pytest.fixture
def orders() -> dict[str, Order]:
    """Six stuck orders of all sorts, one held."""
    sari = get_user_model().objects.create_user("sari")
    at = ago(hours=3)
    made = {
        "taxi": make_order("paid", since=at, service="taxi", city="Jakarta", method="gopay", amount=100_000),
        "rent": make_order("paid", since=at, service="rent", city="Bali", method="card", amount=200_000, owner=sari),
        "unpaid": make_order(since=ago(hours=1), service="taxi", city="Bali", method="card", amount=40_000),
        "foreign": make_order("paid", since=at, service="delivery", method="", amount=1_000, currency="BRL"),
        "refund": make_order("cancelled", since=at, service="taxi", city="Jakarta", method="card"),
        "held": make_order("paid", since=ago(days=9), service="taxi", held_until=timezone.now() + timedelta(hours=1)),
    }
    make_refund(make_attempt(made["refund"], "paid"), "failed", since=ago(hours=2), amount=70_000)
    Diagnosis.objects.create(
        order=made["taxi"], cause="booking_never_started", confidence=95, next_step="retry_booking", order_version=1
    )
    return made


FILTERS = {
    "state": StuckFilter(kinds=(("order", "paid"),)),
    "service": StuckFilter(services=("taxi",)),
    "city": StuckFilter(cities=("Bali",)),
    "method": StuckFilter(methods=("card", "gopay")),
    "cause": StuckFilter(causes=("booking_never_started",)),
    "no cause yet": StuckFilter(causes=("", "callback_lost")),
    "no link yet": StuckFilter(gateways=("",)),
    "unowned": StuckFilter(unowned=True),
    "age": StuckFilter(min_age=timedelta(hours=2, minutes=30)),
    "held too": StuckFilter(held="include"),
    "text": StuckFilter(text="t-"),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("name", FILTERS)
def test_totals_equal_those_of_the_single_question(name: str) -> None:
    assert board(chosen=FILTERS[name]).chosen == stuck_totals(FILTERS[name])


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("view", View)
def test_views_equal_the_single_questions(view: View) -> None:
    sari = get_user_model().objects.get(username="sari").pk
    found = board(base=view.filter(user_id=sari), user_id=sari)
    assert found.views == stuck_counts(user_id=sari)
    assert found.everything == stuck_totals()
    assert found.chosen == stuck_totals(view.filter(user_id=sari))
    assert found.chosen.count == found.views[view]


def test_the_oldest_is_named_and_a_held_order_is_not(orders: dict[str, Order]) -> None:
    assert board().oldest == orders["taxi"].public_id


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(("name", "count"), [("cause", 1), ("no cause yet", 4), ("no link yet", 5)])
def test_what_is_missing_can_be_chosen_as_well(name: str, count: int) -> None:
    assert board(chosen=FILTERS[name]).chosen.count == count


@pytest.mark.usefixtures("orders")
def test_no_filter_hides_its_own_values_and_all_others_do() -> None:
    found = board(chosen=StuckFilter(services=("taxi",), cities=("Jakarta",)))
    assert found.chosen.count == 2
    assert found.facets["service"] == {"taxi": 2}
    assert found.facets["city"] == {"Jakarta": 2, "Bali": 1}
    assert found.facets["method"] == {"gopay": 1, "card": 1}
    assert found.facets["state"] == {"order.paid": 1, "refund.failed": 1}
    assert found.facets["cause"] == {"booking_never_started": 1, "": 1}


@pytest.mark.usefixtures("orders")
def test_view_and_filter_of_the_same_field_both_hold() -> None:
    sari = get_user_model().objects.get(username="sari").pk
    mine = View.MINE.filter(user_id=sari)
    assert board(base=mine, chosen=StuckFilter(owner=sari)).chosen.count == 1
    assert board(base=mine, chosen=StuckFilter(unowned=True)).chosen.count == 0


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", [*FILTERS, "mine", "somebody's"])
def test_the_list_has_what_the_board_counts(view: View, name: str) -> None:
    sari = get_user_model().objects.get(username="sari").pk
    owners = {"mine": StuckFilter(owner=sari), "somebody's": StuckFilter(owner=sari + 1)}
    base, chosen = view.filter(user_id=sari), {**FILTERS, **owners}[name]
    assert len(stuck_page(combined(base, chosen)).rows) == board(base=base, chosen=chosen).chosen.count


def test_what_got_stuck_since_counts_as_new_and_what_was_there_does_not(orders: dict[str, Order]) -> None:
    page = stuck_page()
    seen = Seen(order_ids=[row.order_id for row in page.rows], at=timezone.now())
    assert board(with_facets=False, page=seen).newcomers == 0

    early = Seen(order_ids=[orders["taxi"].pk], at=ago(minutes=31), until=None)
    assert board(with_facets=False, page=early).newcomers == 4

    first = page.rows[0]
    only_first = Seen(order_ids=[first.order_id], at=ago(minutes=40), until=_place(first))
    assert board(with_facets=False, page=only_first).newcomers == 1, "the unpaid order got stuck half an hour ago"


def test_an_order_whose_hold_ended_is_new(orders: dict[str, Order]) -> None:
    seen = Seen(
        order_ids=[row.order_id for row in stuck_page().rows], at=timezone.now(), until=_place(stuck_page().rows[-1])
    )
    Order.objects.filter(pk=orders["held"].pk).update(held_until=timezone.now())
    assert board(with_facets=False, page=seen).newcomers == 1


def test_posting_and_refund_limits_count_for_every_service() -> None:
    order = make_order("completed", since=ago(hours=2), service="shuttle")
    make_posting(order, "due", since=ago(minutes=40))
    assert board(with_facets=False, page=Seen([], at=ago(minutes=11), after=_place_at(ago(minutes=1)))).newcomers == 1
    assert board(with_facets=False, page=Seen([], at=ago(minutes=9), after=_place_at(ago(minutes=1)))).newcomers == 0


@pytest.mark.usefixtures("orders")
def test_further_filters_are_counted_beside() -> None:
    also = [(view.filter(user_id=0), wanted) for view in (View.ALL, View.PAID) for wanted in FILTERS.values()]
    found = board(base=View.PAID.filter(user_id=0), chosen=FILTERS["age"], also=also)
    assert list(found.also) == [board(base=base, chosen=chosen).chosen.count for base, chosen in also]
    assert found.chosen.count == 3


@pytest.mark.usefixtures("orders")
def test_it_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    limits = limits_in_force()
    with django_assert_num_queries(1):
        board(chosen=FILTERS["service"], limits=limits, page=Seen([], at=ago(hours=1)))


def _place(row: StuckRow) -> Place:
    return Place(row.since, row.order_id)


def _place_at(at: datetime) -> Place:
    return Place(at, 0)
