"""Money back to the customer: approved, sent once, and finished only when the gateway says so."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.clients.codes import REFUNDABLE
from orders.clients.gateway import PENDING, RefundAnswer
from orders.clients.registry import gateway
from orders.context import act_as
from orders.errors import NotAllowed
from orders.leases import finish, hold
from orders.models import Attempt, Order, Refund
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from orders.services import ledger, posting
from orders.services.price import is_large
from orders.states import OrderState, OrderVerb, RefundState, RefundVerb
from orders.transitions import lock, move

OVER = (RefundState.REJECTED, RefundState.SUCCEEDED)
# Our worker goes on with these by itself.
UNDER_WAY = (RefundState.APPROVED, RefundState.SENT, RefundState.UNKNOWN)
MANUAL = "the gateway cannot refund this method: transfer by hand"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What proves that money was sent by hand: the bank's reference, normalised, and when it left our account."""

    reference: str
    at: datetime


def refund_all(order: Order, *, cause: str, actor: str, reason: str) -> list[Refund]:
    """A refund for all that each attempt of this order still holds. Lock: order."""
    made = []
    for attempt in order.attempts.order_by("number"):
        amount = refundable(attempt)
        if amount > 0:
            made.append(request(attempt, amount=amount, cause=cause, actor=actor, reason=reason))
    return made


def refundable(attempt: Attempt) -> int:
    """What is held of this attempt's money and not already on its way back, in minor units."""
    under_way = attempt.refunds.exclude(state__in=OVER).aggregate(total=Sum("amount"))["total"]
    return ledger.held(attempt) - int(under_way or 0)


def by_api(attempt: Attempt) -> bool:
    """Whether its gateway gives such money back by itself; else a person transfers it."""
    return attempt.method in REFUNDABLE[attempt.gateway]


def is_accepted(refund: Refund) -> bool:
    """Its gateway has said that it will do it, and not yet that it has. No answer is not that."""
    return refund.state in (RefundState.SENT, RefundState.UNKNOWN) and refund.last_error == PENDING


def request(attempt: Attempt, *, amount: int, cause: str, actor: str, reason: str) -> Refund:
    """Ask for a refund; below the limit a policy approves it at once. Lock: order.

    Raises NotAllowed when it exceeds what is held, or when this cause has a refund already.
    """
    if not 0 < amount <= refundable(attempt):
        raise NotAllowed(f"{amount} is more than the {refundable(attempt)} held")
    existing = attempt.refunds.filter(cause=cause).exclude(state=RefundState.REJECTED).first()
    if existing:
        raise NotAllowed(f"{cause} has the refund {existing.key} already")
    act_as(actor, reason=reason)
    refund = Refund.objects.create(
        order_id=attempt.order_id,
        attempt=attempt,
        amount=amount,
        currency=attempt.currency,
        state=RefundState.REQUESTED,
        cause=cause,
        reason=reason[:200],
        requested_by=actor,
        key=f"rf-{uuid.uuid4().hex[:24]}",
    )
    is_small = not is_large(amount, attempt.currency)
    if is_small or actor.startswith("policy:"):
        approve(refund, actor="policy:below-limit" if is_small else actor)
    return refund


def approve(refund: Refund, *, actor: str, note: str = "") -> None:
    """Let it go. The requester cannot approve (a CHECK constraint says so too)."""
    if actor == refund.requested_by and not actor.startswith("policy:"):
        raise NotAllowed("who asked for a refund cannot approve it")
    move(
        refund,
        RefundVerb.APPROVE,
        actor=actor,
        reason=note.strip()[:300],
        approved_by=actor,
        due_at=timezone.now(),
        tries=0,
    )
    ring("refund")


def work(refund: Refund) -> None:
    """One look at a due refund, leased by the caller: send it, or ask what became of it."""
    if refund.state == RefundState.APPROVED:
        send(refund)
    elif refund.state in (RefundState.SENT, RefundState.UNKNOWN):
        ask(refund)
    else:
        finish(refund, due_at=None)


def send(refund: Refund) -> None:
    """Mark it sent, tell the gateway, write down the answer."""
    attempt = refund.attempt
    with transaction.atomic():
        lock(refund.order)
        hold(refund)
        move(refund, RefundVerb.SEND, actor="worker")
    if not by_api(attempt):
        _write(refund, Refused(0, "not_supported", MANUAL))
        return
    outcome = gateway(attempt.gateway).refund(
        attempt.reference,
        gateway_ref=attempt.gateway_reference,
        amount=refund.amount,
        reason=refund.reason or refund.cause,
        idempotency_key=refund.key,
        currency=refund.currency,
        method=attempt.method,
        charged=attempt.amount,
    )
    _write(refund, outcome)


def ask(refund: Refund) -> None:
    """Ask what became of a refund whose answer is missing or pending."""
    attempt = refund.attempt
    outcome = gateway(attempt.gateway).ask_refund(
        attempt.reference,
        gateway_ref=attempt.gateway_reference,
        amount=refund.amount,
        idempotency_key=refund.key,
        currency=refund.currency,
        method=attempt.method,
        charged=attempt.amount,
        refunded_before=_refunded_before(refund),
    )
    if not isinstance(outcome, Answered):
        finish(refund, due_at=_later(refund), last_error=str(outcome)[:300], asked_at=_now())
        return
    _write(refund, outcome)


def _refunded_before(refund: Refund) -> int:
    others = refund.attempt.refunds.filter(state=RefundState.SUCCEEDED).exclude(pk=refund.pk)
    return int(others.aggregate(total=Sum("amount"))["total"] or 0)


@transaction.atomic
def _write(refund: Refund, outcome: Outcome[RefundAnswer]) -> None:
    order = lock(refund.order)
    hold(refund)
    actor = f"gateway:{refund.attempt.gateway}"
    if isinstance(outcome, Answered):
        _write_answer(order, refund, outcome.data, actor=actor)
    elif isinstance(outcome, Refused):
        # What we refuse ourselves has no code of theirs.
        _fail(refund, f"{outcome.code if outcome.status else ''} {outcome.message}".strip(), actor=actor)
    elif isinstance(outcome, Retryable):
        _again(refund, outcome.reason)
    else:
        if refund.state == RefundState.SENT:
            move(refund, RefundVerb.LOSE, actor="worker", reason=outcome.reason)
        finish(refund, due_at=_later(refund), last_error=outcome.reason[:300])


def _write_answer(order: Order, refund: Refund, answer: RefundAnswer, *, actor: str) -> None:
    if answer.state == "succeeded":
        _succeed(order, refund, answer, actor=actor)
    elif answer.state == "failed":
        _fail(refund, answer.code, actor=actor)
    elif answer.state == "absent" and _quiet_long_enough(refund):
        _again(refund, "the gateway has never heard of it")
    else:
        finish(refund, due_at=_later(refund), asked_at=_now(), last_error=answer.state)


def _succeed(order: Order, refund: Refund, answer: RefundAnswer, *, actor: str) -> None:
    move(refund, RefundVerb.SUCCEED, actor=actor, gateway_reference=answer.reference)
    finish(refund, due_at=None, last_error="")
    _given_back(order, refund, actor=actor, at=_now())


def _given_back(order: Order, refund: Refund, *, actor: str, at: datetime) -> None:
    """The customer's money went back: what follows from that, whoever sent it. Lock: order."""
    ledger.give_back(refund, at=at)
    posting.owe_refund(order, refund)
    if order.state == OrderState.PAID_AFTER_CLOSE and ledger.balance(order) == 0:
        move(order, OrderVerb.SETTLE, actor=actor, reason="late money given back")


def transferred(order: Order, refund: Refund, transfer: Transfer, *, actor: str, reason: str, by_action: int) -> None:
    """A person sent it from our bank account after the gateway had refused. Lock: order, refund.

    Raises IllegalEdge unless it failed, IntegrityError where this transfer is another refund's evidence.
    """
    evidence = {"reference": transfer.reference, "transferred_at": transfer.at.isoformat()}
    move(
        refund,
        RefundVerb.TRANSFER,
        actor=actor,
        reason=reason,
        detail={"by_action": by_action, **evidence},
        bank_reference=transfer.reference,
        transferred_at=transfer.at,
        last_error="",
    )
    _given_back(order, refund, actor=actor, at=transfer.at)


def _fail(refund: Refund, said: str, *, actor: str) -> None:
    move(refund, RefundVerb.FAIL, actor=actor, reason=said[:300])
    finish(refund, due_at=None, last_error=said[:300])


def _again(refund: Refund, why: str) -> None:
    """Certainly nothing happened: the same key may go out once more, a little later."""
    move(refund, RefundVerb.RETRY, actor="worker", reason=why)
    finish(refund, due_at=_later(refund), last_error=why[:300])


def _quiet_long_enough(refund: Refund) -> bool:
    return timezone.now() - refund.entered_at >= ladders.quarantine()


def _later(refund: Refund) -> datetime:
    return ladders.rung(ladders.REFUND, refund.tries)


def _now() -> datetime:
    return timezone.now()


def retry(refund: Refund, *, actor: str, reason: str) -> None:
    """A person sends a failed refund again, under the same key. Lock: order."""
    move(refund, RefundVerb.RETRY, actor=actor, reason=reason, due_at=_now(), tries=0)
    ring("refund")
