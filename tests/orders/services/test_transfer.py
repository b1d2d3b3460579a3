"""A refund that finance transferred by hand: recorded once, by two people, with evidence that proves no other."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import names
from orders.errors import IllegalEdge, NotAllowed
from orders.models import History, LedgerEntry, OperatorAction, Order, Refund
from orders.queries.money_queues import Case, money_page, money_totals
from orders.queries.order_page import memory_of, rows_of
from orders.queries.search import search
from orders.queries.timeline import timeline
from orders.services import actions, approvals, ledger, posting, refunds, work
from orders.services.actions import Blocked, Wish, transfer
from orders.states import BANK, OrderState, RefundState, RefundVerb
from orders.transitions import lock, move
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = pytest.mark.django_db
BUDI, RATNA = "user:budi", "user:ratna"
REFERENCE = "TRF20261128/0012"


def owed(state: str = "failed", *, order_state: str = "cancelled", method: str = "va_bca", **order: Any) -> Refund:
    """Money paid by a way that takes none back, and its refund; asked for an hour ago."""
    attempt = make_attempt(make_order(order_state, method=method, **order), "paid", gateway="nicepay")
    ledger.charge(attempt, amount=attempt.amount, at=timezone.now() - timedelta(days=1))
    refund = make_refund(attempt, state)
    Refund.objects.filter(pk=refund.pk).update(created_at=timezone.now() - timedelta(hours=1))
    refund.refresh_from_db()
    return refund


def evidence(refund: Refund, **given: Any) -> dict[str, Any]:
    at = timezone.now() - timedelta(minutes=10)
    return {"refund": refund.key, "reference": REFERENCE, "transferred_at": at.isoformat(), **given}


def ask(refund: Refund, name: str = transfer.NAME, *, actor: str = BUDI, **given: Any) -> OperatorAction:
    order = Order.objects.get(pk=refund.order_id)
    params = evidence(refund, **given) if name == transfer.NAME else {"amount": refund.amount}
    return actions.request(order, Wish(name, actor, "sent by BCA", order.version, uuid.uuid4().hex, params))


def recorded(refund: Refund, **given: Any) -> OperatorAction:
    action = ask(refund, **given)
    approvals.approve("action", action.pk, actor=RATNA)
    work.drain("action")
    action.refresh_from_db()
    refund.refresh_from_db()
    return action


def write(refund: Refund) -> None:
    """Past every question of the action."""
    told = refunds.Transfer(REFERENCE, timezone.now())
    with transaction.atomic():
        refunds.transferred(refund.order, lock(refund), told, actor=BUDI, reason="-", by_action=1)


def test_it_always_waits_for_another_person_however_small_it_is() -> None:
    refund = owed(amount=1)
    action = ask(refund)
    waiting = approvals.waiting()[0]
    assert (action.status, waiting.amount, waiting.params["reference"]) == ("awaiting_approval", 1, REFERENCE)
    with pytest.raises(NotAllowed):
        approvals.approve("action", action.pk, actor=BUDI)
    assert work.drain("action") == 0
    refund.refresh_from_db()
    assert refund.state == RefundState.FAILED


def test_the_money_is_given_back_at_the_time_of_the_transfer_from_our_own_account() -> None:
    refund = owed()
    wanted = evidence(refund)
    action = recorded(refund, transferred_at=wanted["transferred_at"])
    assert (action.status, action.approver) == ("fixed", RATNA)
    at = datetime.fromisoformat(wanted["transferred_at"])
    assert (refund.state, refund.bank_reference, refund.transferred_at) == (RefundState.SUCCEEDED, REFERENCE, at)
    entry = LedgerEntry.objects.get(refund=refund)
    assert (entry.gateway, entry.amount, entry.occurred_at) == (BANK, -refund.amount, at)
    assert ledger.balance(refund.order) == 0
    assert not refund.order.postings.exists()  # Head Office was never told of the payment


def test_the_history_carries_the_evidence_and_who_did_it() -> None:
    refund = owed()
    action = recorded(refund)
    row = History.objects.get(machine="refund", subject_id=refund.pk, verb="transfer")
    assert (row.actor, row.detail["by_action"], row.detail["reference"]) == (BUDI, action.pk, REFERENCE)
    assert row.detail["transferred_at"] == action.params["transferred_at"]
    told = timeline(rows_of(refund.order), memory_of(refund.order))
    assert any(REFERENCE in str(line.sentence) for line in told)


def test_head_office_is_told_once_it_has_the_payment_and_late_money_is_settled() -> None:
    refund = owed(order_state="paid_after_close")
    make_posting(refund.order, "recorded")
    recorded(refund)
    assert refund.order.postings.get(kind="refund").amount == refund.amount
    assert Order.objects.get(pk=refund.order_id).state == OrderState.CANCELLED


def test_a_worker_that_died_is_followed_by_one_that_finds_it_written() -> None:
    refund = owed()
    action = recorded(refund)
    OperatorAction.objects.filter(pk=action.pk).update(status="running", due_at=timezone.now())
    work.drain("action")
    action.refresh_from_db()
    assert action.status == "fixed"
    assert LedgerEntry.objects.filter(refund=refund).count() == 1
    assert History.objects.filter(verb="transfer").count() == 1


@pytest.mark.parametrize("state", [each for each in RefundState.values if each != RefundState.FAILED])
def test_no_refund_but_one_that_failed_is_recorded(state: str) -> None:
    refund = owed(state)
    with pytest.raises(NotAllowed, match="only one that failed"):
        ask(refund)
    with pytest.raises(IllegalEdge):
        write(refund)
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize("reference", ["", "ABC", "SENT", "12 34", "TRF#2026", "1" * 65, "-1234"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    refund = owed()
    with pytest.raises(NotAllowed, match="bank's reference"):
        ask(refund, reference=reference)


def test_a_reference_has_one_spelling() -> None:
    refund = owed()
    recorded(refund)
    assert names.bank_reference("  trf 2026\t1128/0012 ") == REFERENCE
    assert [(found.order_id, found.value) for found in search("trf20261128 / 0012")] == [(refund.order_id, REFERENCE)]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (timedelta(minutes=2), "in the future"),
        (timedelta(hours=-2), "asked for only after"),
        (None, "is needed"),
    ],
)
def test_a_time_that_cannot_be_is_refused(at: timedelta | None, why: str) -> None:
    given = "" if at is None else (timezone.now() + at).isoformat()
    with pytest.raises(NotAllowed, match=why):
        ask(owed(), transferred_at=given)


def test_one_transfer_proves_one_refund() -> None:
    first, second = owed(), owed()
    recorded(first)
    with pytest.raises(NotAllowed, match=f"{REFERENCE} is the evidence for order {first.order.public_id}"):
        ask(second)


def test_one_transfer_is_proposed_for_one_refund() -> None:
    first, second = owed(), owed()
    action = ask(first)
    with pytest.raises(NotAllowed, match=first.order.public_id):
        ask(second)
    approvals.reject("action", action.pk, actor=RATNA, reason="wrong order")
    assert ask(second).status == "awaiting_approval"


def test_two_who_bring_the_same_evidence_at_once_are_told_apart_by_the_database() -> None:
    """The second was proposed before the first was written, as a race would have it."""
    first, second = owed(), owed()
    late = ask(second, reference="TRF1")
    recorded(first)
    OperatorAction.objects.filter(pk=late.pk).update(params={**late.params, "reference": REFERENCE})
    approvals.approve("action", late.pk, actor=RATNA)
    work.drain("action")
    late.refresh_from_db()
    assert (late.status, first.order.public_id in late.outcome) == ("refused", True)
    with pytest.raises(IntegrityError):
        write(second)


def test_of_several_the_one_that_was_named() -> None:
    first = owed()
    second = make_refund(first.attempt, "failed", amount=1_000, since=timezone.now() - timedelta(minutes=30))
    assert [each.pk for each in transfer.failed(first.order)] == [first.pk, second.pk]
    recorded(second)
    first.refresh_from_db()
    assert (first.state, second.state) == (RefundState.FAILED, RefundState.SUCCEEDED)


def test_neither_a_refund_nor_a_transfer_goes_while_the_other_is_not_decided() -> None:
    """A card refund that the gateway refused may go either way: never both."""
    refund = owed(method="card")
    asked = ask(refund)
    with pytest.raises(Blocked, match="another way"):
        ask(refund, "refund")
    approvals.reject("action", asked.pk, actor=RATNA, reason="sent again instead")
    again = ask(refund, "refund")
    with pytest.raises(Blocked, match="another way"):
        ask(refund)
    assert again.status == "queued"


def test_what_no_gateway_takes_back_is_not_sent_to_one_again() -> None:
    refund = owed()
    why = "The gateway cannot give this money back: finance transfers it by hand."
    assert actions.why_not(refund.order, "refund", {"amount": refund.amount}) == why
    recorded(refund)
    assert actions.why_not(refund.order, "refund", {"amount": refund.amount}) == "There is no money to give back."
    with pytest.raises(IllegalEdge), transaction.atomic():
        move(lock(refund), RefundVerb.RETRY, actor=BUDI)


def test_what_waits_is_a_queue_of_its_own_until_it_is_recorded() -> None:
    refund = owed()
    owed(method="card")
    assert (money_totals()[Case.BY_HAND].count, money_totals()[Case.REFUND_FAILED].count) == (1, 1)
    assert [row.row_id for row in money_page(Case.BY_HAND)[0]] == [refund.pk]
    recorded(refund)
    assert money_totals()[Case.BY_HAND].count == 0


def test_a_refund_that_its_gateway_gave_names_the_gateway_still() -> None:
    refund = owed("sent", method="card")
    with transaction.atomic():
        ledger.give_back(refund, at=timezone.now())
        posting.owe_refund(refund.order, refund)
    assert LedgerEntry.objects.get(refund=refund).gateway == "nicepay"
