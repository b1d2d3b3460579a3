from datetime import timedelta

import pytest
from django.utils import timezone

from opsconsole.scenarios import clock
from orders.models import History
from tests.orders.making import make_attempt, make_order, make_posting, make_saga, make_step

pytestmark = pytest.mark.django_db
LATER = timedelta(hours=1)


def test_what_waits_for_later_is_due_now_and_no_fact_is_touched() -> None:
    order = make_order("awaiting_payment")
    attempt = make_attempt(order, "open", due_at=timezone.now() + LATER)
    facts = list(History.objects.values_list("pk", "occurred_at", "mac"))

    assert clock.bring_forward([order.pk]) == 1

    entered_at = attempt.entered_at
    attempt.refresh_from_db()
    assert attempt.due_at is not None
    assert attempt.due_at <= timezone.now()
    assert attempt.entered_at == entered_at
    assert list(History.objects.values_list("pk", "occurred_at", "mac")) == facts


def test_orders_of_others_keep_their_time() -> None:
    ours, theirs = make_order("completed"), make_order("completed")
    for order in (ours, theirs):
        make_posting(order, "due", due_at=timezone.now() + LATER)

    assert clock.bring_forward([ours.pk]) == 1


def test_due_counts_what_a_worker_should_be_doing() -> None:
    order = make_order("completed")
    make_posting(order, "due", due_at=timezone.now() - timedelta(seconds=1))

    assert clock.due([order.pk]) == 1
    assert clock.due([make_order().pk]) == 0


@pytest.mark.parametrize(("silent_for", "ends"), [(timedelta(minutes=1), True), (timedelta(seconds=1), False)])
def test_a_booking_ends_once_its_partner_has_been_silent_long_enough(*, silent_for: timedelta, ends: bool) -> None:
    order = make_order("booking")
    saga = make_saga(order, "running")
    make_step(saga, "unknown", sent_at=timezone.now() - silent_for)

    clock.bring_forward([order.pk])

    saga.refresh_from_db()
    assert (saga.deadline_at <= timezone.now()) is ends


def test_a_booking_that_has_not_been_sent_yet_keeps_its_five_minutes() -> None:
    order = make_order("booking")
    saga = make_saga(order, "running")
    make_step(saga, "pending")

    clock.bring_forward([order.pk])

    saga.refresh_from_db()
    assert saga.deadline_at > timezone.now()


@pytest.mark.parametrize(("attempt_state", "ends"), [("expired", True), ("open", False)])
def test_a_payment_window_ends_for_who_cannot_pay_any_more(*, attempt_state: str, ends: bool) -> None:
    order = make_order("awaiting_payment", expires_at=timezone.now() + LATER)
    make_attempt(order, attempt_state)

    clock.bring_forward([order.pk])

    order.refresh_from_db()
    assert order.expires_at is not None
    assert (order.expires_at <= timezone.now()) is ends
