"""Stuck orders by cause: count, money, window and pattern."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.models import Diagnosis, Order
from orders.queries.stuck import limits_in_force
from orders.queries.stuck.cases import BUCKETS, stuck_cases
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

START = timezone.now() - timedelta(hours=10)


def diagnosed(order: Order, cause: str) -> Order:
    Diagnosis.objects.create(order=order, cause=cause, confidence=95, next_step="wait", order_version=order.version)
    return order


def test_orders_of_one_cause_are_one_line_with_money_window_and_pattern() -> None:
    for number in range(3):
        order = make_order("paid", since=START + timedelta(hours=number), city="Bali", amount=100_000)
        attempt = make_attempt(order, "paid", gateway="midtrans" if number else "xendit")
        Order.objects.filter(pk=order.pk).update(owning_attempt=attempt)
        diagnosed(order, "booking_never_started")
    foreign = make_order("paid", since=START, currency="BRL", amount=5, method="card")
    diagnosed(foreign, "booking_never_started")
    unseen = make_order(since=START)

    case, other = stuck_cases()

    assert (case.cause, case.count, case.paid_count) == ("booking_never_started", 4, 4)
    assert case.money == {"IDR": 300_000, "BRL": 5}
    assert (case.first, case.last) == (START, START + timedelta(hours=2))
    assert case.patterns["gateway"] == [("midtrans", 2), ("", 1), ("xendit", 1)]
    assert case.patterns["city"] == [("Bali", 3), ("", 1)]
    assert case.patterns["method"] == [("qris", 3), ("card", 1)]
    assert (len(case.onset), sum(case.onset), case.onset[0], case.onset[-1]) == (BUCKETS, 4, 2, 1)
    assert (other.cause, other.count, other.paid_count, other.onset) == ("", 1, 0, ())
    assert other.first == unseen.entered_at


def test_held_orders_are_left_out() -> None:
    make_order(since=START, held_until=timezone.now() + timedelta(hours=1))
    assert stuck_cases() == []


def test_it_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    diagnosed(make_order(since=START), "link_never_made")
    limits = limits_in_force()
    with django_assert_num_queries(1):
        stuck_cases(limits=limits)
