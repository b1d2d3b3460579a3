"""A payment from link to ledger, against gateways over real HTTP."""

import time

import pytest

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, InboundEvent, LedgerEntry, Order
from orders.services import expiry, ledger, work
from orders.services.placing import cancel_order
from orders.states import AttemptState, InboundState, OrderState
from tests.orders.flow import PHONE, deliver, drain, let_time_pass, past, pay, place
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


@pytest.mark.parametrize(
    ("method", "gateway"), [("gopay", "midtrans"), ("ovo", "xendit"), ("card", "midtrans"), ("va_bca", "midtrans")]
)
def test_a_placed_order_has_a_link_at_the_first_gateway_that_offers_the_method(method: str, gateway: str) -> None:
    order = place(method)

    attempt = order.attempts.get()
    assert (order.state, attempt.state, attempt.gateway) == (OrderState.AWAITING_PAYMENT, AttemptState.OPEN, gateway)
    assert attempt.link_url.startswith("http")


def test_a_callback_makes_us_ask_and_the_answer_moves_the_money(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)

    assert order.state == OrderState.PAID
    assert ledger.balance(order) == order.amount
    assert InboundEvent.objects.get().state == InboundState.APPLIED
    assert order.sagas.count() == 1


def test_the_same_callback_again_changes_nothing(control: RemoteSandbox, receiver: Receiver) -> None:
    order = place()
    control.pay(order.attempts.get().reference)
    wait_until(lambda: receiver.got)
    receiver.got.append(receiver.got[0])

    deliver(receiver)
    work.drain("inbound")
    work.drain("inbound")

    event = InboundEvent.objects.get()
    assert (event.deliveries, event.state) == (2, InboundState.APPLIED)
    assert LedgerEntry.objects.count() == 1


def test_a_lost_callback_is_found_by_asking(control: RemoteSandbox) -> None:
    order = place()
    control.pay(order.attempts.get().reference)
    let_time_pass()

    work.drain("attempt")

    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_a_forged_callback_moves_no_money_and_leaves_the_genuine_one_its_place(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = place()
    control.forge(order.attempts.get().reference)
    wait_until(lambda: receiver.got)
    deliver(receiver)
    work.drain("inbound")
    order.refresh_from_db()
    assert (order.state, ledger.balance(order)) == (OrderState.AWAITING_PAYMENT, 0)
    assert InboundEvent.objects.get().state == InboundState.ILLEGAL

    pay(order, control, receiver)

    assert (order.state, ledger.balance(order)) == (OrderState.PAID, order.amount)


def test_an_order_is_placed_within_three_seconds_while_every_gateway_hangs(control: RemoteSandbox) -> None:
    for gateway in ("midtrans", "xendit", "nicepay"):
        control.faults(gateway, latency=30)

    began = time.monotonic()
    order = place()

    assert time.monotonic() - began < 3
    assert (order.state, order.attempts.get().state) == (OrderState.CREATED, AttemptState.UNKNOWN)


def test_an_unanswered_gateway_is_asked_and_never_passed_over(control: RemoteSandbox) -> None:
    control.faults("midtrans", latency=30)
    order = place("card")
    control.no_faults()
    let_time_pass()

    drain()

    attempt = order.attempts.get()
    assert (attempt.state, attempt.gateway) == (AttemptState.OPEN, "midtrans")


def test_a_gateway_that_is_down_hands_over_to_the_next(control: RemoteSandbox) -> None:
    control.faults("midtrans", down=True)

    order = place("card")

    assert [(each.gateway, each.state) for each in order.attempts.order_by("number")] == [
        ("midtrans", AttemptState.NOT_STARTED),
        ("xendit", AttemptState.OPEN),
    ]
    assert order.state == OrderState.AWAITING_PAYMENT


def test_all_gateways_down_keeps_the_order_and_a_later_round_makes_the_link(control: RemoteSandbox) -> None:
    for gateway in ("midtrans", "xendit", "nicepay"):
        control.faults(gateway, down=True)
    order = place("card")
    assert order.state == OrderState.CREATED
    assert [each.state for each in order.attempts.order_by("number")] == ["not_started"] * 3 + ["requested"]

    control.no_faults()
    let_time_pass()
    drain()

    order.refresh_from_db()
    assert order.state == OrderState.AWAITING_PAYMENT


def test_money_of_another_amount_is_set_aside_for_a_person(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "pay", "do": "amount", "amount": 49_000})
    order = pay(place(), control, receiver)

    attempt = order.attempts.get()
    assert (order.state, attempt.state) == (OrderState.AWAITING_PAYMENT, AttemptState.MISMATCH)
    assert ledger.balance(order) == 49_000


def test_an_unpaid_order_expires_only_after_its_link_is_closed_at_the_gateway() -> None:
    order = place()
    Order.objects.update(expires_at=past())
    assert expiry.expire_orders() == 0

    Attempt.objects.update(expires_at=past(7200))
    let_time_pass()
    work.drain("attempt")
    assert expiry.expire_orders() == 1

    order.refresh_from_db()
    assert order.state == OrderState.EXPIRED
    assert order.attempts.get().state == AttemptState.CANCELLED


def test_money_on_a_cancelled_order_waits_for_a_person(control: RemoteSandbox, receiver: Receiver) -> None:
    order = place()
    control.pay(order.attempts.get().reference)
    cancel_order(order, actor="user:sari", reason="customer called")
    wait_until(lambda: receiver.got)
    deliver(receiver)

    drain()

    order.refresh_from_db()
    assert (order.state, ledger.balance(order)) == (OrderState.PAID_AFTER_CLOSE, order.amount)
    assert order.sagas.count() == 0
