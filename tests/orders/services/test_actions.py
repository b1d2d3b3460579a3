"""Operators' actions: what they do, what they refuse, and that nothing happens where they refuse."""

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from opsconsole.sandbox.remote import RemoteSandbox
from orders.errors import NotAllowed, StaleState
from orders.models import Attempt, History, OperatorAction, Order, Posting, Refund
from orders.resilience.guards import Ticket, set_guard
from orders.services import actions, desk, ledger, refunds, work
from orders.services.actions import Wish
from orders.services.placing import cancel_order
from orders.states import AttemptState, OrderState, PostingState, RefundState
from orders.transitions import lock
from tests.orders.flow import PHONE, carry_on, drain, let_time_pass, past, pay, place
from tests.orders.platform_machine import together
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]

SARI, BUDI = "user:sari", "user:budi"


def wish(
    order: Order,
    name: str,
    *,
    key: str = "k1",
    actor: str = SARI,
    reason: str = "stuck",
    seen: int = 0,
    **params: object,
) -> Wish:
    order.refresh_from_db()
    return Wish(
        name=name, actor=actor, reason=reason, expected_version=order.version, key=key, params=params, seen=seen
    )


def done(action: OperatorAction) -> OperatorAction:
    work.drain("action")
    action.refresh_from_db()
    return action


def test_a_recheck_finds_the_payment_whose_callback_was_lost(control: RemoteSandbox) -> None:
    order = place()
    control.pay(order.attempts.get().reference)

    action = done(actions.request(order, wish(order, "recheck_payment")))

    order.refresh_from_db()
    assert (action.status, order.state) == ("fixed", OrderState.PAID)
    assert "now paid" in action.outcome
    told = History.objects.filter(order_id=order.pk, verb__startswith="action_").values_list("verb", "actor")
    assert list(told) == [("action_requested", SARI), ("action_finished", SARI)]


def test_the_same_key_twice_is_one_action() -> None:
    order = place()
    first = actions.request(order, wish(order, "recheck_payment"))

    assert actions.request(order, wish(order, "recheck_payment")).pk == first.pk
    assert OperatorAction.objects.count() == 1


def test_an_order_that_moved_on_is_refused_and_left_alone(control: RemoteSandbox, receiver: Receiver) -> None:
    order = place()
    stale = wish(order, "cancel_order")
    pay(order, control, receiver)

    with pytest.raises(StaleState):
        actions.request(order, stale)

    order.refresh_from_db()
    assert (order.state, OperatorAction.objects.count()) == (OrderState.PAID, 0)


def test_an_action_whose_order_moved_on_while_it_waited_is_refused(control: RemoteSandbox, receiver: Receiver) -> None:
    order = place()
    action = actions.request(order, wish(order, "cancel_order"))
    pay(order, control, receiver)

    assert done(action).status == "refused"

    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_a_reason_is_needed() -> None:
    order = place()

    with pytest.raises(NotAllowed):
        actions.request(order, wish(order, "cancel_order", reason="  "))

    assert OperatorAction.objects.count() == 0


def test_a_new_link_closes_the_old_one_first(control: RemoteSandbox) -> None:
    order = place("card")

    action = done(actions.request(order, wish(order, "make_link", gateway="xendit")))

    assert action.status == "fixed"
    assert [(a.gateway, a.state) for a in Attempt.objects.order_by("number")] == [
        ("midtrans", AttemptState.CANCELLED),
        ("xendit", AttemptState.OPEN),
    ]


def test_a_link_is_refused_at_a_gateway_that_does_not_offer_the_method() -> None:
    order = place("gopay")

    with pytest.raises(NotAllowed):
        actions.request(order, wish(order, "make_link", gateway="xendit"))


def test_a_rejected_entry_is_posted_again(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)
    control.plan(order.public_id, {"on": "post", "do": "reject", "neighbour": "ho", "times": 1})
    carry_on(order, receiver, until=OrderState.COMPLETED)
    drain()

    assert done(actions.request(order, wish(order, "repost_ho"))).status == "fixed"

    assert Posting.objects.get().state == PostingState.RECORDED


def test_a_queued_order_is_dispatched_by_a_retry(control: RemoteSandbox, receiver: Receiver) -> None:
    control.faults("tpg", down=True)
    order = pay(place(), control, receiver)
    drain()
    control.no_faults()

    assert done(actions.request(order, wish(order, "retry_booking"))).status == "fixed"


def late_money(control: RemoteSandbox, *, amount: int = 50_000) -> Order:
    """An order that was cancelled and then paid."""
    order = place("card", amount=amount)
    control.pay(order.attempts.get().reference)
    cancel_order(order, actor=SARI, reason="customer called")
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.PAID_AFTER_CLOSE
    return order


def test_late_money_is_given_back_and_the_order_settled(control: RemoteSandbox) -> None:
    order = late_money(control)

    action = done(actions.request(order, wish(order, "refund", amount=order.amount)))

    order.refresh_from_db()
    assert (action.status, order.state, ledger.balance(order)) == ("fixed", OrderState.CANCELLED, 0)


def test_a_large_refund_waits_for_a_second_person(control: RemoteSandbox) -> None:
    order = late_money(control, amount=django_settings.SECOND_PERSON_FROM)

    action = actions.request(order, wish(order, "refund", amount=order.amount))
    assert done(action).status == "awaiting_approval"
    with pytest.raises(NotAllowed):
        actions.approve(action, actor=SARI)
    assert Refund.objects.count() == 0

    actions.approve(action, actor=BUDI)

    assert done(action).status == "fixed"
    refund = Refund.objects.get()
    assert (refund.state, refund.requested_by, refund.approved_by) == (RefundState.SUCCEEDED, SARI, BUDI)


def test_a_proposal_nobody_approved_in_time_is_refused(control: RemoteSandbox) -> None:
    order = late_money(control, amount=django_settings.SECOND_PERSON_FROM)
    action = actions.request(order, wish(order, "refund", amount=order.amount))
    OperatorAction.objects.update(approve_by=past(1))

    with pytest.raises(NotAllowed):
        actions.approve(action, actor=BUDI)

    assert Refund.objects.count() == 0


def test_a_refund_of_an_order_under_way_is_refused(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place("card"), control, receiver)

    with pytest.raises(NotAllowed):
        actions.request(order, wish(order, "refund", amount=order.amount))

    assert Refund.objects.count() == 0


def test_a_failed_refund_is_sent_again_under_its_own_key(control: RemoteSandbox) -> None:
    control.plan(PHONE, {"on": "refund", "do": "reject", "times": 1})
    order = late_money(control)
    first = done(actions.request(order, wish(order, "refund", amount=order.amount)))
    assert Refund.objects.get().state == RefundState.FAILED

    again = wish(order, "refund", key="k2", seen=first.pk, amount=order.amount)
    assert done(actions.request(order, again)).status == "fixed"

    assert Refund.objects.get().state == RefundState.SUCCEEDED


class Dying(BaseException):
    """As sudden as SIGKILL: nothing of ours catches it."""


class Deadly:
    def admit(self, *, is_retry: bool) -> Ticket:
        raise Dying

    def report(self, ticket: Ticket, outcome: object) -> None: ...


def killed_at(neighbour: str, action: OperatorAction) -> None:
    """The worker dies where it would call; its leases run out."""
    set_guard(neighbour, Deadly())
    try:
        with pytest.raises(Dying):
            work.drain("action")
    finally:
        set_guard(neighbour, None)
    OperatorAction.objects.filter(pk=action.pk).update(lease_until=past(), due_at=past())
    Refund.objects.update(lease_until=past())


def test_a_refund_whose_worker_dies_is_taken_up_and_given_once(control: RemoteSandbox) -> None:
    order = late_money(control)
    action = actions.request(order, wish(order, "refund", amount=order.amount))
    killed_at("midtrans", action)
    assert Refund.objects.get().state == RefundState.SENT
    let_time_pass()

    assert done(action).status == "not_fixed", "asked once: the gateway has never heard of it"
    drain()
    let_time_pass()
    drain()
    assert (Refund.objects.get().state, ledger.balance(order)) == (RefundState.SUCCEEDED, 0)


def test_a_part_refund_sent_again_whose_worker_dies_is_not_joined_by_a_second(control: RemoteSandbox) -> None:
    control.plan(PHONE, {"on": "refund", "do": "reject", "times": 1})
    order = late_money(control)
    part = order.amount // 4
    first = done(actions.request(order, wish(order, "refund", amount=part)))
    again = actions.request(order, wish(order, "refund", key="k2", seen=first.pk, amount=part))
    killed_at("midtrans", again)

    done(again)
    for _look in range(3):
        let_time_pass()
        drain()

    assert [(each.state, each.amount) for each in Refund.objects.all()] == [(RefundState.SUCCEEDED, part)]
    assert ledger.balance(order) == order.amount - part


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_another_worker_carries_on_is_waited_for(control: RemoteSandbox, receiver: Receiver) -> None:
    """The refund rings as well: whoever comes first sends it, and the click is told its end all the same."""
    order = carry_on(pay(place("gopay"), control, receiver), receiver, until=OrderState.COMPLETED)
    action = actions.request(order, wish(order, "refund", amount=5_000, cause="goodwill"))
    with transaction.atomic():
        attempt = lock(order).attempts.get()
        made = refunds.request(attempt, amount=5_000, cause="goodwill", actor=SARI, reason="a detour")
    OperatorAction.objects.update(status="running", params={**action.params, "refunds": [made.key]})
    control.faults("midtrans", latency=0.7, only=["refund"])

    def click() -> None:
        wait_until(lambda: Refund.objects.filter(lease_until__isnull=False).exists())
        work.drain("action")

    together(lambda: work.drain("refund"), click)
    action.refresh_from_db()
    assert (action.status, effects(control, "midtrans").count("refunded")) == ("fixed", 1), action.outcome


def test_an_unanswered_refund_is_asked_about_and_given_once(control: RemoteSandbox) -> None:
    control.plan(PHONE, {"on": "refund", "do": "timeout_after_success", "times": 1})
    order = late_money(control)
    done(actions.request(order, wish(order, "refund", amount=order.amount)))

    let_time_pass()
    drain()

    assert (Refund.objects.get().state, ledger.balance(order)) == (RefundState.SUCCEEDED, 0)
    [payment] = control.books("midtrans")["payments"]
    assert sum(int(float(each["amount"])) for each in payment["refunds"]) == order.amount


def test_a_hold_needs_an_end_and_a_reason() -> None:
    order = place()

    with pytest.raises(NotAllowed):
        desk.hold(order, until=past(), actor=SARI, reason="fraud check")

    assert not History.objects.filter(verb="held").exists()
