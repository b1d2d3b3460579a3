"""From payment to Head Office, and back where it fails, against partners over real HTTP."""

import pytest

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import DispatchEntry, Order, Posting, Refund, Saga, Step
from orders.services import ledger
from orders.services.placing import cancel_order
from orders.states import DispatchState, OrderState, PostingState, RefundState, SagaState, StepState
from tests.orders.flow import PHONE, carry_on, drain, let_time_pass, pay, place
from tests.sandbox_fixtures import Receiver, effects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


def test_a_paid_order_is_booked_driven_and_recorded_at_head_office(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(services=("taxi", "delivery")), control, receiver)

    carry_on(order, receiver, until=OrderState.COMPLETED)
    drain()

    posting = Posting.objects.get(order=order)
    assert (posting.state, posting.amount) == (PostingState.RECORDED, 100_000)
    assert [each["amount"] for each in control.books("ho")["entries"]] == [100_000]


def test_an_item_that_is_refused_undoes_the_others_and_gives_the_money_back(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    # A taxi that arrived meanwhile could not be cancelled any more.
    control.plan(PHONE, {"on": "book", "do": "reject", "neighbour": "delivery"}, {"on": "trip", "do": "stuck"})
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)

    carry_on(order, receiver, until=OrderState.FAILED)
    drain()

    assert [each.state for each in Step.objects.filter(order=order).order_by("number")] == ["undone", "failed"]
    assert Saga.objects.get(order=order).state == SagaState.COMPENSATED
    assert Refund.objects.get(order=order).state == RefundState.SUCCEEDED
    assert ledger.balance(order) == 0


def test_a_booking_whose_answer_was_lost_is_found_and_not_made_twice(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    control.plan(PHONE, {"on": "book", "do": "timeout_after_success", "neighbour": "tpg", "times": 1})
    order = pay(place(), control, receiver)

    drain()
    let_time_pass()
    carry_on(order, receiver, until=OrderState.COMPLETED)

    assert effects(control, "tpg").count("booked") == 1


def test_a_dispatch_system_that_is_away_queues_the_order_and_is_tried_again(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    control.faults("tpg", down=True)
    order = pay(place(), control, receiver)
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.QUEUED_FOR_DISPATCH
    assert DispatchEntry.objects.get(order=order).state == DispatchState.WAITING

    control.no_faults()
    let_time_pass()
    carry_on(order, receiver, until=OrderState.COMPLETED)

    assert DispatchEntry.objects.get(order=order).state == DispatchState.DISPATCHED


def test_a_cancelled_active_order_is_unbooked_and_refunded(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = pay(place("card"), control, receiver)
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.ACTIVE

    cancel_order(order, actor="user:sari", reason="customer called")
    drain()

    order.refresh_from_db()
    assert order.state == OrderState.CANCELLED
    assert Step.objects.get(order=order).state == StepState.UNDONE
    assert (Refund.objects.get(order=order).state, ledger.balance(order)) == (RefundState.SUCCEEDED, 0)


def test_head_office_that_books_and_times_out_is_asked_and_not_told_twice(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = pay(place(), control, receiver)
    control.plan(order.public_id, {"on": "post", "do": "timeout_after_success", "neighbour": "ho", "times": 1})
    carry_on(order, receiver, until=OrderState.COMPLETED)
    let_time_pass()

    drain()

    assert Posting.objects.get(order=order).state == PostingState.RECORDED
    assert len(control.books("ho")["entries"]) == 1


def test_a_rejected_entry_waits_for_a_person(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)
    control.plan(order.public_id, {"on": "post", "do": "reject", "neighbour": "ho"})

    carry_on(order, receiver, until=OrderState.COMPLETED)
    drain()

    posting = Posting.objects.get(order=order)
    assert (posting.state, posting.due_at) == (PostingState.REJECTED, None)
    assert Order.objects.get().state == OrderState.COMPLETED
