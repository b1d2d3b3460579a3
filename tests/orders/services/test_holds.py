"""A booking waits where a bank may take the money back: how long, from when, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import DispatchHold, History, Item, Order, Saga
from orders.services import booking, holds, sagas
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db

FIVE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _as_in_life(settings: Any) -> None:
    settings.DISPATCH_HOLD = FIVE


def begun(method: str, *, minutes_ago: float = 0) -> tuple[Order, Saga]:
    order = make_order("paid", method=method, since=timezone.now() - timedelta(minutes=minutes_ago))
    with transaction.atomic():
        return order, booking.start(order)


@pytest.mark.parametrize(
    ("method", "minutes_ago", "waits"),
    [
        ("va_permata", 0, 5),
        ("cstore", 0, 5),
        ("va_permata", 3, 2),
        ("va_permata", 9, 0),
        ("gopay", 0, 0),
        ("card", 0, 0),
    ],
)
def test_the_wait_counts_from_the_payment(method: str, minutes_ago: float, waits: float) -> None:
    order, saga = begun(method, minutes_ago=minutes_ago)
    assert saga.due_at is not None
    left = saga.due_at - timezone.now()
    assert abs(left - timedelta(minutes=waits)) < timedelta(seconds=5)
    assert saga.deadline_at - saga.due_at == timedelta(minutes=5)
    assert order.state == "paid"


@pytest.mark.parametrize(("minutes", "waits"), [(0, False), (12, True)])
def test_an_operator_sets_it_for_a_method(minutes: int, waits: bool) -> None:  # noqa: FBT001
    holds.set_hold("va_permata", timedelta(minutes=minutes), actor="user:sari")
    _order, saga = begun("va_permata")
    assert saga.due_at is not None
    assert (saga.due_at > timezone.now() + FIVE) == waits
    told = History.objects.get(order_id=0, verb="set_hold")
    assert told.detail == {"method": "va_permata", "was": 300, "seconds": minutes * 60}


@pytest.mark.parametrize(("method", "minutes"), [("pigeon", 5), ("gopay", 31), ("gopay", -1)])
def test_what_is_no_method_or_too_long_is_refused(method: str, minutes: int) -> None:
    with pytest.raises(NotAllowed):
        holds.set_hold(method, timedelta(minutes=minutes), actor="user:sari")
    assert DispatchHold.objects.count() == 0
    assert History.objects.filter(order_id=0).count() == 0


def test_every_item_of_many_orders_has_its_step_its_partner_and_its_key() -> None:
    orders = [make_order("paid", method="gopay"), make_order("paid", method="va_permata")]
    for order in orders:
        Item.objects.create(order=order, number=2, service="shuttle", amount=1)
    with transaction.atomic():
        booking.start_all(orders)

    for order in orders:
        saga = order.sagas.get()
        steps = saga.steps.order_by("number").values_list("number", "name", "partner", "state", "key", "item__service")
        assert list(steps) == [
            (1, "book taxi", "tpg", "pending", f"{order.public_id}-s{saga.pk}-1", "taxi"),
            (2, "book shuttle", "shuttle", "pending", f"{order.public_id}-s{saga.pk}-2", "shuttle"),
        ]
        assert saga.due_at is not None
        assert saga.deadline_at == saga.due_at + sagas.LIMIT


def test_an_item_that_nobody_can_book_is_refused_and_not_left_out() -> None:
    order = make_order("paid")
    Item.objects.create(order=order, number=2, service="goods", amount=1)
    with pytest.raises(IntegrityError, match="partner"), transaction.atomic():
        booking.start_all([order])
