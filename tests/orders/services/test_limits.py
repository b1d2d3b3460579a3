"""Changing a stuck limit: in force at once, remembered with who and when, and put back."""

from datetime import timedelta

import pytest

from orders.errors import NotAllowed
from orders.models import History, StuckLimit
from orders.policies import DEFAULT_LIMITS
from orders.queries.stuck import limits_in_force
from orders.services import limits

pytestmark = pytest.mark.django_db
SARI = "user:sari"
PAID = ("order", "paid", "")
TAXI = ("order", "paid", "taxi")


def test_a_limit_is_in_force_at_once_for_all_or_for_one_service() -> None:
    limits.set_limit(PAID, timedelta(minutes=20), actor=SARI)
    limits.set_limit(TAXI, timedelta(minutes=3), actor=SARI)
    known = limits_in_force()
    assert known.limit("order", "paid", "rent") == timedelta(minutes=20)
    assert known.limit("order", "paid", "taxi") == timedelta(minutes=3)


def test_who_changed_it_and_when_is_remembered_also_after_it_was_put_back() -> None:
    limits.set_limit(PAID, timedelta(minutes=20), actor=SARI)
    limits.set_limit(PAID, timedelta(minutes=25), actor="user:admin")
    limits.clear_limit(PAID, actor=SARI)
    assert limits.last_changes()[PAID].actor == SARI
    assert [row.detail["seconds"] for row in History.objects.filter(order_id=0)] == [1200, 1500, None]
    assert [row.detail["was"] for row in History.objects.filter(order_id=0)] == [None, 1200, 1500]
    assert StuckLimit.objects.count() == 0
    assert limits_in_force().limit("order", "paid", "taxi") == DEFAULT_LIMITS["order", "paid", ""]


@pytest.mark.parametrize(
    ("key", "span"),
    [
        (("order", "completed", ""), timedelta(hours=1)),
        (("kitchen", "paid", ""), timedelta(hours=1)),
        (("order", "paid", "boat"), timedelta(hours=1)),
        (PAID, timedelta(seconds=59)),
        (PAID, timedelta(days=31)),
        (PAID, timedelta(0)),
    ],
)
def test_nonsense_is_refused_and_leaves_nothing(key: tuple[str, str, str], span: timedelta) -> None:
    with pytest.raises(NotAllowed):
        limits.set_limit(key, span, actor=SARI)
    assert StuckLimit.objects.count() == 0
    assert not History.objects.filter(order_id=0).exists()


def test_a_default_cannot_be_put_back_to_itself() -> None:
    with pytest.raises(NotAllowed):
        limits.clear_limit(PAID, actor=SARI)
    assert not History.objects.filter(order_id=0).exists()
