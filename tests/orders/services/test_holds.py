"""A booking waits where a bank may take the money back: how long, from when, and what ends it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import DispatchHold, History, Order, Saga
from orders.services import booking, holds
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
