"""What waits for a second person, and who may decide it."""

import uuid

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.errors import NotAllowed, StaleState
from orders.models import History, OperatorAction, Order, Refund
from orders.services import actions, approvals, placing, work
from orders.services.actions import Wish
from orders.states import OrderState, RefundState
from tests.orders.flow import PHONE, carry_on, drain, pay, place
from tests.sandbox_fixtures import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]
SARI, BUDI, RATNA = "user:sari", "user:budi", "user:ratna"
LARGE = 6_000_000


def _proposed(control: RemoteSandbox, receiver: Receiver, actor: str = SARI) -> OperatorAction:
    order = carry_on(pay(place("card", amount=LARGE), control, receiver), receiver, until=OrderState.COMPLETED)
    wish = Wish("refund", actor, "the car broke down", order.version, uuid.uuid4().hex, {"amount": LARGE})
    return actions.request(order, wish)


def _owed(control: RemoteSandbox, receiver: Receiver) -> Refund:
    """A cancelled order whose refund is large: requested, and nobody has approved it."""
    control.plan(PHONE, {"on": "trip", "do": "stuck"})
    order = carry_on(pay(place("card", amount=LARGE), control, receiver), receiver, until=OrderState.ACTIVE)
    placing.cancel_order(order, actor=SARI, reason="customer called")
    drain()
    return Refund.objects.get(order=order)


def test_a_large_refund_waits_and_is_sent_after_a_second_person(control: RemoteSandbox, receiver: Receiver) -> None:
    action = _proposed(control, receiver)
    waiting = approvals.waiting()[0]
    assert (waiting.kind, waiting.pk, waiting.amount, waiting.proposer) == ("action", action.pk, LARGE, SARI)
    assert waiting.until is not None
    approvals.approve("action", action.pk, actor=BUDI, note="asked the customer")
    assert History.objects.get(order_id=action.order_id, verb="action_approved").reason == "asked the customer"
    work.drain("action")
    action.refresh_from_db()
    assert (action.status, action.approver) == ("fixed", BUDI)
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert list(approvals.waiting()) == []


def test_who_proposed_it_cannot_approve_it(control: RemoteSandbox, receiver: Receiver) -> None:
    action = _proposed(control, receiver, actor=BUDI)
    with pytest.raises(NotAllowed):
        approvals.approve("action", action.pk, actor=BUDI)
    assert Refund.objects.count() == 0


def test_a_no_needs_a_reason_and_ends_it(control: RemoteSandbox, receiver: Receiver) -> None:
    action = _proposed(control, receiver)
    with pytest.raises(NotAllowed):
        approvals.reject("action", action.pk, actor=BUDI, reason=" ")
    approvals.reject("action", action.pk, actor=BUDI, reason="the customer was driven")
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("refused", "the customer was driven")
    with pytest.raises(NotAllowed):
        approvals.approve("action", action.pk, actor=RATNA)


def test_an_order_that_moved_on_is_not_refunded(control: RemoteSandbox, receiver: Receiver) -> None:
    action = _proposed(control, receiver)
    Order.objects.filter(pk=action.order_id).update(version=99)
    assert approvals.waiting()[0].has_drifted
    with pytest.raises(StaleState):
        approvals.approve("action", action.pk, actor=BUDI)
    assert Refund.objects.count() == 0


def test_a_proposal_whose_time_is_over_waits_no_more(control: RemoteSandbox, receiver: Receiver) -> None:
    action = _proposed(control, receiver)
    OperatorAction.objects.filter(pk=action.pk).update(approve_by=timezone.now())
    assert list(approvals.waiting()) == []
    with pytest.raises(NotAllowed):
        approvals.approve("action", action.pk, actor=BUDI)


def test_a_large_refund_that_a_cancelled_order_owes_waits_too(control: RemoteSandbox, receiver: Receiver) -> None:
    refund = _owed(control, receiver)
    assert refund.state == RefundState.REQUESTED
    assert [(each.kind, each.pk, each.until) for each in approvals.waiting()] == [("refund", refund.pk, None)]
    with pytest.raises(NotAllowed):
        approvals.approve("refund", refund.pk, actor=SARI)
    approvals.approve("refund", refund.pk, actor=RATNA, note="within the limit")
    assert History.objects.get(order_id=refund.order_id, verb="approve").reason == "within the limit"
    drain()
    refund.refresh_from_db()
    assert (refund.state, refund.approved_by) == (RefundState.SUCCEEDED, RATNA)


def test_a_refund_that_was_rejected_is_held_and_can_be_asked_for_again(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    refund = _owed(control, receiver)
    approvals.reject("refund", refund.pk, actor=BUDI, reason="paid out by hand")
    refund.refresh_from_db()
    assert refund.state == RefundState.REJECTED
    assert actions.why_not(refund.order, "refund", {"amount": LARGE}) == ""
    with pytest.raises(NotAllowed):
        approvals.approve("refund", refund.pk, actor=RATNA)


@pytest.mark.parametrize("kind", ["action", "refund"])
def test_what_is_not_there_does_not_wait(kind: str) -> None:
    assert approvals.find(kind, 1) is None
    with pytest.raises(NotAllowed):
        approvals.approve(kind, 1, actor=BUDI)
