"""What a gateway's own answer about an attempt does to the attempt, the money and the order.

Only answers to our own inquiries come here; a callback is a hint that makes us ask (design,
section 4). Late news is compared by rank: a lower rank after a higher one changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orders.clients.gateway import Status
from orders.models import Attempt, Order
from orders.services import booking, ledger
from orders.states import (
    ATTEMPT_RANK,
    AttemptState,
    AttemptVerb,
    InboundVerb,
    OrderState,
    OrderVerb,
)
from orders.transitions import lock, move, record

VERB_TO = {
    AttemptState.OPEN: AttemptVerb.OPEN,
    AttemptState.PAID: AttemptVerb.PAY,
    AttemptState.DECLINED: AttemptVerb.DECLINE,
    AttemptState.NOT_STARTED: AttemptVerb.NOT_START,
    AttemptState.EXPIRED: AttemptVerb.EXPIRE,
    AttemptState.CANCELLED: AttemptVerb.CANCEL,
    AttemptState.REVERSED: AttemptVerb.REVERSE,
}
CLOSED = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED)
MERCHANT_KEY = {"midtrans": "merchant_id", "xendit": "user_id", "nicepay": "imid"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a piece of news: the inbound verb it earns, and one plain sentence.

    `is_final` is False when the gateway could not be asked: the news waits.
    """

    verb: InboundVerb
    sentence: str
    is_final: bool = True

    @property
    def applied(self) -> bool:
        return self.verb == InboundVerb.APPLY


def settle(attempt: Attempt, status: Status) -> Verdict:
    """Apply `status` to the attempt, its ledger and its order, all or nothing.

    Locks the order, then the attempt; safe to call twice and from two workers.
    """
    with transaction.atomic():
        order = lock(attempt.order)
        fresh = lock(attempt)
        return _judge(order, fresh, status)


def _judge(order: Order, attempt: Attempt, status: Status) -> Verdict:
    actor = f"gateway:{attempt.gateway}"
    problem = _mismatch(attempt, status)
    if problem:
        return _set_aside(order, attempt, status, problem, actor=actor)
    target = _target(attempt, status)
    if target == attempt.state:
        return Verdict(InboundVerb.REPEAT, f"already {attempt.state}")
    if ATTEMPT_RANK[target] < ATTEMPT_RANK[attempt.state]:
        return Verdict(InboundVerb.OUTRANK, f"{target} after {attempt.state}: kept, not applied")
    verb = VERB_TO[target]
    if attempt.machine.target(attempt.state, verb) is None:
        return Verdict(InboundVerb.REFUSE, f"{target} is not possible from {attempt.state}")
    at = status.paid_at if target in (AttemptState.PAID, AttemptState.REVERSED) else None
    move(attempt, verb, actor=actor, at=at, reason=status.code, answer=status.code[:120])
    _react(order, attempt, status, target=target, at=at or timezone.now())
    return Verdict(InboundVerb.APPLY, f"{attempt.gateway} says {status.code}: now {target}")


def _target(attempt: Attempt, status: Status) -> AttemptState:
    """A reversal of money that we never saw come is a refusal: nothing is to be given back."""
    target = AttemptState(status.state or AttemptState.MISMATCH)
    if target == AttemptState.REVERSED and attempt.state not in (
        AttemptState.PAID,
        AttemptState.REVERSED,
    ):
        return AttemptState.DECLINED
    return target


def _mismatch(attempt: Attempt, status: Status) -> str:
    if status.state is None:
        return f"unmapped code {status.code}"
    if status.state not in (AttemptState.PAID, AttemptState.REVERSED):
        return ""
    if status.merchant and status.merchant != _merchant(attempt.gateway):
        return f"paid to merchant {status.merchant}, not to us"
    if status.currency != attempt.currency:
        return f"paid in {status.currency}, not {attempt.currency}"
    if status.amount != attempt.amount:
        return f"paid {status.amount}, not {attempt.amount}"
    return ""


def _merchant(gateway: str) -> str:
    return settings.GATEWAYS[gateway].get(MERCHANT_KEY[gateway], "")


def _set_aside(order: Order, attempt: Attempt, status: Status, problem: str, *, actor: str) -> Verdict:
    """A person looks at it. Money of ours that really came is in the ledger all the same."""
    if attempt.machine.target(attempt.state, AttemptVerb.MISMATCH) is None:
        return Verdict(InboundVerb.REFUSE, f"{problem}; attempt stays {attempt.state}")
    move(attempt, AttemptVerb.MISMATCH, actor=actor, reason=problem, answer=problem[:120])
    ours = status.merchant in (None, "", _merchant(attempt.gateway))
    if status.state == AttemptState.PAID and ours and status.currency == attempt.currency:
        ledger.charge(attempt, amount=status.amount or 0, at=status.paid_at or timezone.now())
    return Verdict(InboundVerb.APPLY, problem)


def _react(order: Order, attempt: Attempt, status: Status, *, target: AttemptState, at: datetime) -> None:
    if target == AttemptState.PAID:
        ledger.charge(attempt, amount=attempt.amount, at=at)
        money_came(order, attempt, at=at)
    elif target == AttemptState.REVERSED:
        money_went(order, attempt, at=at)


def money_came(order: Order, attempt: Attempt, *, at: datetime) -> None:
    """The order's side of a charge. Lock: order."""
    actor = f"gateway:{attempt.gateway}"
    if order.state in (OrderState.CREATED, OrderState.AWAITING_PAYMENT):
        move(order, OrderVerb.PAY, actor=actor, at=at, owning_attempt=attempt)
        booking.start(order)
    elif order.state in CLOSED:
        move(order, OrderVerb.PAY_LATE, actor=actor, owning_attempt=attempt)
    else:
        record(order, "paid_twice", actor=actor, subject=attempt, at=at)


def money_went(order: Order, attempt: Attempt, *, at: datetime) -> None:
    """The gateway took a charge back. Lock: order."""
    actor = f"gateway:{attempt.gateway}"
    ledger.reverse(attempt, amount=attempt.amount, at=at)
    if order.state == OrderState.PAID and order.owning_attempt_id == attempt.pk:
        move(order, OrderVerb.REVERSE, actor=actor, reason="charge taken back before booking")
    else:
        record(order, "reversed_after_booking", actor=actor, subject=attempt, at=at)
