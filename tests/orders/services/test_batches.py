"""A batch of callbacks: many orders, one transaction, and nobody suffers from a neighbour in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from opsconsole.sandbox.remote import RemoteSandbox
from orders.leases import claim_each
from orders.models import Attempt, History, InboundEvent, LedgerEntry, Order
from orders.services import callbacks, inquiry, ledger, work
from orders.services.verification import verify_history
from orders.states import AttemptState, InboundState, OrderState
from tests.orders.flow import past, place
from tests.orders.making import make_attempt, make_saga

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


def paid(control: RemoteSandbox, count: int) -> Sequence[Attempt]:
    """Attempts that were paid at their gateway, of as many orders; nobody has told us."""
    attempts = [place().attempts.get() for _number in range(count)]
    for attempt in attempts:
        control.pay(attempt.reference)
    Attempt.objects.update(due_at=None)
    return attempts


def tell(attempt: Attempt, *, text: str = "") -> None:
    callbacks.store(
        callbacks.Message(
            source=attempt.gateway,
            raw=f"{attempt.reference} {text}".encode(),
            reference=attempt.reference,
            claim="settlement/accept/200",
            attempt=attempt.reference,
        )
    )


def order_states() -> Sequence[str]:
    return list(Order.objects.order_by("pk").values_list("state", flat=True))


def test_a_batch_is_applied_with_few_statements_however_large(
    control: RemoteSandbox, django_assert_max_num_queries: Any
) -> None:
    for attempt in paid(control, 6):
        tell(attempt)

    with django_assert_max_num_queries(30):
        assert work.drain("inbound") == 6

    assert order_states() == [OrderState.PAID] * 6
    assert set(InboundEvent.objects.values_list("state", flat=True)) == {InboundState.APPLIED}
    for order in Order.objects.all():
        assert (ledger.balance(order), order.sagas.count(), order.sagas.get().steps.count()) == (order.amount, 1, 1)
        attempt = order.attempts.get()
        assert (attempt.due_at, attempt.lease_until, attempt.answer) == (None, None, "settlement/accept/200")
        assert order.owning_attempt == attempt


def test_the_history_of_a_batch_names_who_and_why_and_its_chain_holds(control: RemoteSandbox, tmp_path: Path) -> None:
    for attempt in paid(control, 3):
        tell(attempt)
    work.drain("inbound")

    for order in Order.objects.all():
        told = History.objects.filter(order_id=order.pk).order_by("-seq")[:5]
        assert [(each.machine, each.verb, each.actor, each.reason) for each in reversed(told)] == [
            ("attempt", "pay", "gateway:midtrans", "settlement/accept/200"),
            ("order", "pay", "gateway:midtrans", ""),
            ("saga", "create", "worker", ""),
            ("step", "create", "worker", ""),
            ("inbound", "apply", "worker", "midtrans says settlement/accept/200: now paid"),
        ]
    assert verify_history(folder=tmp_path).intact


def test_one_order_that_cannot_be_written_does_not_hold_up_the_others(control: RemoteSandbox) -> None:
    attempts = paid(control, 5)
    for attempt in attempts:
        tell(attempt)
    make_saga(attempts[2].order)  # a second live booking is refused by PostgreSQL

    work.drain("inbound")

    wanted = [OrderState.PAID] * 5
    wanted[2] = OrderState.AWAITING_PAYMENT
    assert order_states() == wanted
    bad = InboundEvent.objects.get(attempt=attempts[2])
    assert (bad.state, bad.lease_until) == (InboundState.STORED, None)
    assert bad.last_error == "a fault of the platform itself: IntegrityError"
    assert bad.due_at is not None
    assert LedgerEntry.objects.count() == 4


def test_an_attempt_that_another_worker_took_over_is_left_out(control: RemoteSandbox) -> None:
    attempts = paid(control, 3)
    looks = inquiry.look_all(claim_each(Attempt, [attempt.pk for attempt in attempts]))
    Attempt.objects.filter(pk=attempts[1].pk).update(token=99)

    with transaction.atomic():
        told = inquiry.write(looks)

    assert set(told) == {attempts[0].pk, attempts[2].pk}
    assert order_states() == [OrderState.PAID, OrderState.AWAITING_PAYMENT, OrderState.PAID]


def test_a_held_attempt_is_not_asked_about_and_its_message_waits(control: RemoteSandbox) -> None:
    attempts = paid(control, 2)
    for attempt in attempts:
        tell(attempt)
    claim_each(Attempt, [attempts[0].pk])

    work.drain("inbound")

    assert order_states() == [OrderState.AWAITING_PAYMENT, OrderState.PAID]
    waiting = InboundEvent.objects.get(attempt=attempts[0])
    assert (waiting.state, waiting.lease_until) == (InboundState.STORED, None)


def test_two_paid_attempts_of_one_order_in_one_batch_pay_it_once(control: RemoteSandbox) -> None:
    first = paid(control, 1)[0]
    Order.objects.update(owning_attempt=None)
    second = make_attempt(first.order, AttemptState.OPEN, reference="twin", gateway_reference=first.gateway_reference)
    looks = inquiry.look_all(claim_each(Attempt, [first.pk]))
    twin = inquiry.Look(claim_each(Attempt, [second.pk])[0], status=looks[0].status)

    with transaction.atomic():
        inquiry.write([*looks, twin])

    order = Order.objects.get()
    assert (order.state, ledger.balance(order), order.sagas.count()) == (OrderState.PAID, 2 * order.amount, 1)
    assert History.objects.filter(order_id=order.pk, verb="paid_twice", subject_id=second.pk).exists()


def test_of_two_messages_about_one_attempt_the_first_is_applied(control: RemoteSandbox) -> None:
    attempt = paid(control, 1)[0]
    tell(attempt)
    tell(attempt, text="again")

    work.drain("inbound")

    told = InboundEvent.objects.order_by("pk").values_list("state", flat=True)
    assert list(told) == [InboundState.APPLIED, InboundState.DUPLICATE]


def test_a_message_of_another_gateway_is_refused_and_the_genuine_one_applied(control: RemoteSandbox) -> None:
    attempt = paid(control, 1)[0]
    forged = callbacks.Message(source="xendit", raw=b"forged", reference=attempt.reference, attempt=attempt.reference)
    callbacks.store(forged)
    tell(attempt)

    work.drain("inbound")

    told = InboundEvent.objects.order_by("pk").values_list("state", flat=True)
    assert list(told) == [InboundState.ILLEGAL, InboundState.APPLIED]


def test_a_gateway_that_is_away_does_not_cost_the_answers_of_another(control: RemoteSandbox) -> None:
    hanging = place("ovo").attempts.get()
    attempts = [*paid(control, 2), hanging]
    for attempt in attempts:
        tell(attempt)
    control.faults("xendit", down=True)

    work.drain("inbound")

    assert order_states() == [OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.PAID]
    waiting = InboundEvent.objects.get(attempt=hanging)
    assert (waiting.state, waiting.last_error) == (InboundState.STORED, "xendit did not answer")
    assert waiting.due_at is not None
    assert waiting.due_at > past(0)


def test_what_could_not_be_asked_in_time_is_asked_later(control: RemoteSandbox) -> None:
    attempt = claim_each(Attempt, [paid(control, 1)[0].pk])[0]

    look = inquiry.look(attempt, attempt.order.state, until=0)
    with transaction.atomic():
        told = inquiry.write([look])

    assert not told[attempt.pk].verdict.is_final
    fresh = Attempt.objects.get()
    assert (fresh.state, fresh.asked_at, fresh.lease_until) == (AttemptState.OPEN, None, None)
    assert fresh.due_at is not None
