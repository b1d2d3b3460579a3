"""Asking everybody live: what is compared, what is a contradiction, and that nothing is written."""

import time
from typing import Any

import pytest
from django.db import connection

from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients.bookings import Booking
from orders.models import History, LedgerEntry, Order
from orders.services import work
from orders.services.truths import Answer, Truth, ask_everybody, attempt_differs, booking_differs
from orders.states import AttemptState, OrderState, StepState
from tests.factories import make_attempt, make_order
from tests.orders.flow import PHONE, carry_on, pay, place
from tests.sandbox_fixtures import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]


def _of(truths: Any, machine: str) -> list[Truth]:
    return [truth for truth in truths if truth.machine == machine]


def test_a_payment_we_do_not_know_of_is_a_contradiction_and_stays_one(control: RemoteSandbox) -> None:
    control.plan(PHONE, {"on": "callback", "do": "drop"})
    order = place()
    control.pay(order.attempts.get().reference)
    before = (Order.objects.get(pk=order.pk).version, History.objects.count(), LedgerEntry.objects.count())
    attempt = _of(ask_everybody(order), "attempt")[0]
    assert (attempt.ours, attempt.means, attempt.answer) == (AttemptState.OPEN, AttemptState.PAID, Answer.SAID)
    assert attempt.differs
    assert (attempt.amount, attempt.expected) == (order.amount, order.amount)
    assert (Order.objects.get(pk=order.pk).version, History.objects.count(), LedgerEntry.objects.count()) == before


def test_everybody_agrees_on_a_finished_order(control: RemoteSandbox, receiver: Receiver) -> None:
    order = carry_on(pay(place(services=("taxi", "rent")), control, receiver), receiver, until=OrderState.COMPLETED)
    work.drain("posting")
    said = ask_everybody(order)
    assert [truth.machine for truth in said] == ["attempt", "step", "step", "posting"]
    assert not any(truth.differs or truth.amount_differs for truth in said)
    assert _of(said, "step")[0].said == "completed"


def test_another_sum_is_seen(control: RemoteSandbox, receiver: Receiver) -> None:
    control.plan(PHONE, {"on": "pay", "do": "amount", "amount": 49_000})
    order = pay(place(), control, receiver)
    attempt = _of(ask_everybody(order), "attempt")[0]
    assert (attempt.amount, attempt.expected, attempt.amount_differs) == (49_000, 50_000, True)


def test_who_is_away_is_silent_and_the_others_answer(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)
    control.faults("midtrans", down=True)
    said = ask_everybody(order)
    assert _of(said, "attempt")[0].answer == Answer.SILENT
    assert _of(said, "attempt")[0].why
    assert _of(said, "posting")[0].answer == Answer.ABSENT


def test_whoever_hangs_costs_no_more_than_the_budget(control: RemoteSandbox) -> None:
    order = place("card")
    for name in ("midtrans", "ho"):
        control.faults(name, latency=30)
    began = time.monotonic()
    said = ask_everybody(order, budget=0.3)
    assert time.monotonic() - began < 2
    assert {truth.answer for truth in said} == {Answer.SILENT}


def test_a_link_that_was_never_asked_for_is_not_asked_about() -> None:
    order = make_order()
    make_attempt(order)
    assert _of(ask_everybody(order), "attempt")[0].answer == Answer.NOT_ASKED


def test_an_imported_order_has_nobody_to_ask(control: RemoteSandbox) -> None:
    order = make_order(origin=Order.Origin.IMPORT)
    make_attempt(order, gateway="import")
    said = ask_everybody(order)
    assert [truth.answer for truth in said] == [Answer.NOT_ASKED]
    assert [name for name in control.stats()["counts"] if not name.startswith("control.")] == []


def test_an_entry_at_head_office_that_nobody_here_made_is_a_contradiction(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    work.drain("posting")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM orders_posting WHERE order_id = %s", [order.pk])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    entry = _of(ask_everybody(order), "posting")[0]
    assert (entry.ours, entry.answer, entry.differs) == ("", Answer.SAID, True)


A = AttemptState


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        (A.OPEN, A.OPEN, False),
        (A.OPEN, A.PAID, True),
        (A.UNKNOWN, A.OPEN, True),
        (A.PAID, A.OPEN, True),
        (A.PAID, A.REVERSED, True),
        (A.EXPIRED, A.PAID, True),
        (A.EXPIRED, A.CANCELLED, False),
        (A.CANCELLED, A.NOT_STARTED, False),
        (A.CANCELLED, A.OPEN, True),
        (A.MISMATCH, A.PAID, False),
    ],
)
def test_what_counts_as_a_contradiction_of_a_gateway(ours: str, theirs: str, *, differs: bool) -> None:
    assert attempt_differs(ours, theirs) is differs


def test_a_page_on_which_nobody_picked_a_method_does_not_contradict_a_closed_link() -> None:
    assert not attempt_differs(A.NOT_STARTED, A.OPEN, is_known=False)


@pytest.mark.parametrize(
    ("ours", "theirs", "order_state", "differs"),
    [
        (StepState.DONE, "booked", OrderState.ACTIVE, False),
        (StepState.DONE, "completed", OrderState.ACTIVE, True),
        (StepState.DONE, "completed", OrderState.COMPLETED, False),
        (StepState.DONE, "cancelled_by_driver", OrderState.ACTIVE, True),
        (StepState.DONE, "cancelled", OrderState.CANCELLED, False),
        (StepState.UNKNOWN, "booked", OrderState.BOOKING, True),
        (StepState.PENDING, "booked", OrderState.QUEUED_FOR_DISPATCH, True),
        (StepState.UNDONE, "cancelled", OrderState.FAILED, False),
        (StepState.FAILED, "cancelled", OrderState.FAILED, False),
    ],
)
def test_what_counts_as_a_contradiction_of_a_partner(
    ours: str, theirs: str, order_state: str, *, differs: bool
) -> None:
    booking = Booking(booking_id="B-1", state=theirs, order_ref="MRG-1", item_ref="1")
    assert booking_differs(ours, booking, order_state=order_state) is differs
