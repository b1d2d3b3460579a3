"""The memory of the stuck list: samples, the last day's course, what came free."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from orders.models import OperatorAction, Order, StuckSample
from orders.queries.stuck.course import POINTS, course
from orders.queries.stuck.recovered import Recovered, recovered
from orders.services.sampling import KEPT, SETTLED, sample
from orders.states import OrderVerb, RefundVerb
from orders.transitions import move
from tests.orders.making import make_attempt, make_order, make_refund

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def freed() -> Recovered:
    return recovered(after=ago(minutes=5), until=timezone.now() + timedelta(seconds=1))


@transaction.atomic
def move_on(order: Order, verb: str, *, actor: str = "worker") -> None:
    move(order, verb, actor=actor)


def test_a_sample_is_what_the_list_says() -> None:
    make_order(since=ago(hours=3), amount=10)
    paid = make_order("paid", since=ago(hours=5), amount=20)
    make_order("paid", since=ago(hours=5), amount=7, currency="BRL")

    taken = sample(at=timezone.now())

    assert (taken.count, taken.paid_count, taken.money) == (3, 2, {"IDR": 30, "BRL": 7})
    assert taken.paid_money == {"IDR": 20, "BRL": 7}
    assert taken.oldest_since == paid.entered_at


def test_an_order_that_leaves_a_state_late_came_free() -> None:
    move_on(make_order("paid", since=ago(hours=2)), OrderVerb.BOOK)
    assert freed() == Recovered(count=1, by_hand=0)


def test_an_order_that_leaves_in_time_was_never_stuck() -> None:
    move_on(make_order("paid", since=ago(minutes=9)), OrderVerb.BOOK)
    assert freed() == Recovered(count=0, by_hand=0)


def test_the_limit_of_the_service_counts() -> None:
    move_on(make_order("active", since=ago(hours=8), service="taxi"), OrderVerb.COMPLETE)
    move_on(make_order("active", since=ago(hours=8), service="rent"), OrderVerb.COMPLETE)
    assert freed().count == 1


def test_what_hangs_elsewhere_afterwards_is_not_free() -> None:
    order = make_order("paid", since=ago(hours=2))
    refund = make_refund(make_attempt(order, "paid"), "requested", since=ago(hours=3))
    move_on(order, OrderVerb.BOOK)
    assert freed().count == 0

    with transaction.atomic():
        move(refund, RefundVerb.REJECT, actor="user:budi")
    assert freed() == Recovered(count=1, by_hand=1)


def test_a_refund_that_is_tried_again_counts_from_its_birth() -> None:
    order = make_order("cancelled", since=ago(hours=2))
    refund = make_refund(make_attempt(order, "paid"), "unknown", since=ago(minutes=1))
    with transaction.atomic():
        move(refund, RefundVerb.SUCCEED, actor="gateway:midtrans")
    assert freed().count == 0

    old = make_refund(make_attempt(order, "paid"), "unknown", since=ago(minutes=40))
    with transaction.atomic():
        move(old, RefundVerb.SUCCEED, actor="gateway:midtrans")
    assert freed().count == 1


def test_what_a_person_acted_on_came_free_by_hand() -> None:
    order = make_order("paid", since=ago(hours=2))
    OperatorAction.objects.create(
        order=order, name="retry_booking", actor="user:sari", reason="x", key="k", status="fixed", expected_version=1
    )
    move_on(order, OrderVerb.BOOK)
    move_on(make_order(since=ago(hours=2)), OrderVerb.CANCEL, actor="user:dewi")
    move_on(make_order(since=ago(hours=2)), OrderVerb.EXPIRE)
    assert freed() == Recovered(count=3, by_hand=2)


def test_an_import_frees_nothing() -> None:
    move_on(make_order("paid", since=ago(days=900)), OrderVerb.BOOK, actor="import:orders.csv")
    assert freed().count == 0


def test_each_sample_takes_up_where_the_last_one_ended() -> None:
    now = timezone.now()
    order = make_order("paid", since=ago(hours=2))
    move_on(order, OrderVerb.BOOK)
    assert sample(at=now + timedelta(seconds=30)).recovered == 1
    assert sample(at=now + timedelta(seconds=90)).recovered == 0
    assert StuckSample.objects.count() == 2


def test_samples_are_forgotten_after_a_month() -> None:
    now = timezone.now()
    StuckSample.objects.create(at=now - KEPT - timedelta(minutes=1), count=1, paid_count=0)
    kept = StuckSample.objects.create(at=now - KEPT + timedelta(minutes=1), count=1, paid_count=0)
    sample(at=now)
    assert StuckSample.objects.order_by("at").first() == kept


def test_the_course_of_a_day_is_thinned_and_knows_an_hour_ago() -> None:
    now = timezone.now()
    StuckSample.objects.bulk_create(
        StuckSample(
            at=now - timedelta(minutes=minute),
            count=minute,
            paid_count=1,
            oldest_since=now - timedelta(minutes=minute + 10),
            recovered=1 if minute < 120 else 0,
            recovered_by_hand=1 if minute < 10 else 0,
        )
        for minute in range(0, 60 * 30, 5)
    )
    found = course(now=now, day_began=now - timedelta(minutes=60))
    assert len(found.moments) == POINTS
    assert (found.moments[0].count, found.moments[-1].count) == (60 * 24 - 30, 0)
    assert [moment.recovered for moment in found.moments][-5:] == [0, 6, 12, 18, 24]
    assert found.moments[-1].oldest_seconds == 600
    assert found.hour_ago is not None
    assert found.hour_ago.count == 60
    assert (found.recovered, found.recovered_by_hand) == (12, 2)


def test_nobody_looked_an_hour_ago() -> None:
    now = timezone.now()
    StuckSample.objects.create(at=now - timedelta(hours=2), count=1, paid_count=0)
    assert course(now=now, day_began=now).hour_ago is None


def test_a_sample_leaves_the_last_seconds_to_the_next() -> None:
    now = timezone.now()
    assert sample(at=now).at == now - SETTLED
