"""What a gateway's own answer about an attempt means. Pure: no clock, no database, no network.

Only answers to our own inquiries are judged; a callback is a hint that makes us ask (docs/adr/0004).
Late news is compared by rank: a lower rank after a higher one changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from django.conf import settings

from orders.clients.gateway import Status
from orders.models import Attempt, Order
from orders.states import (
    ATTEMPT_RANK,
    CLOSED_ORDER_STATES,
    AttemptState,
    AttemptVerb,
    InboundVerb,
    LedgerKind,
    OrderState,
)

VERB_TO = {
    AttemptState.OPEN: AttemptVerb.OPEN,
    AttemptState.PAID: AttemptVerb.PAY,
    AttemptState.DECLINED: AttemptVerb.DECLINE,
    AttemptState.NOT_STARTED: AttemptVerb.NOT_START,
    AttemptState.EXPIRED: AttemptVerb.EXPIRE,
    AttemptState.CANCELLED: AttemptVerb.CANCEL,
    AttemptState.REVERSED: AttemptVerb.REVERSE,
}
MONEY = (AttemptState.PAID, AttemptState.REVERSED)
UNPAID = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)
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


class Effect(Enum):
    """What the order makes of it."""

    NOTHING = auto()
    PAY = auto()
    PAY_LATE = auto()
    PAID_TWICE = auto()
    REVERSE = auto()
    REVERSED_AFTER_BOOKING = auto()


@dataclass(frozen=True, slots=True)
class Money:
    """A fact for the ledger: `amount` in minor units, negative when it went."""

    kind: LedgerKind
    amount: int


@dataclass(frozen=True, slots=True)
class Decision:
    """All that is to be written for one answer. `verb` None: the attempt stays as it is.

    `at` is when it happened, where the gateway said so and it matters.
    """

    verdict: Verdict
    verb: AttemptVerb | None = None
    reason: str = ""
    at: datetime | None = None
    money: Money | None = None
    money_at: datetime | None = None
    effect: Effect = Effect.NOTHING


def judge(order: Order, attempt: Attempt, status: Status) -> Decision:
    """What `status` does to the attempt, the ledger and the order, as they are now."""
    problem = _mismatch(attempt, status)
    if problem:
        return _set_aside(attempt, status, problem)
    target = _target(attempt, status)
    refusal = _nothing_new(attempt, target)
    if refusal is not None:
        return Decision(refusal)
    return Decision(
        Verdict(InboundVerb.APPLY, f"{attempt.gateway} says {status.code}: now {target}"),
        verb=VERB_TO[target],
        reason=status.code,
        at=status.paid_at if target in MONEY else None,
        money=_money(attempt, target),
        money_at=status.paid_at,
        effect=_effect(order, attempt, target),
    )


def _target(attempt: Attempt, status: Status) -> AttemptState:
    """A reversal of money that we never saw come is a refusal: nothing is to be given back."""
    target = AttemptState(status.state or AttemptState.MISMATCH)
    if target == AttemptState.REVERSED and attempt.state not in MONEY:
        return AttemptState.DECLINED
    return target


def _nothing_new(attempt: Attempt, target: AttemptState) -> Verdict | None:
    if target == attempt.state:
        return Verdict(InboundVerb.REPEAT, f"already {attempt.state}")
    if ATTEMPT_RANK[target] < ATTEMPT_RANK[attempt.state]:
        return Verdict(InboundVerb.OUTRANK, f"{target} after {attempt.state}: kept, not applied")
    if attempt.machine.target(attempt.state, VERB_TO[target]) is None:
        return Verdict(InboundVerb.REFUSE, f"{target} is not possible from {attempt.state}")
    return None


def _mismatch(attempt: Attempt, status: Status) -> str:
    if status.state is None:
        return f"unmapped code {status.code}"
    if status.state not in MONEY:
        return ""
    if not _is_ours(attempt, status):
        return f"paid to merchant {status.merchant}, not to us"
    if status.currency != attempt.currency:
        return f"paid in {status.currency}, not {attempt.currency}"
    if status.amount != attempt.amount:
        return f"paid {status.amount}, not {attempt.amount}"
    return ""


def _is_ours(attempt: Attempt, status: Status) -> bool:
    ours = settings.GATEWAYS[attempt.gateway].get(MERCHANT_KEY[attempt.gateway], "")
    return status.merchant in (None, "", ours)


def _set_aside(attempt: Attempt, status: Status, problem: str) -> Decision:
    """A person looks at it. Money of ours that really came is in the ledger all the same."""
    if attempt.machine.target(attempt.state, AttemptVerb.MISMATCH) is None:
        return Decision(Verdict(InboundVerb.REFUSE, f"{problem}; attempt stays {attempt.state}"))
    came = status.state == AttemptState.PAID and _is_ours(attempt, status) and status.currency == attempt.currency
    return Decision(
        Verdict(InboundVerb.APPLY, problem),
        verb=AttemptVerb.MISMATCH,
        reason=problem,
        money=Money(LedgerKind.CHARGED, status.amount) if came and status.amount else None,
        money_at=status.paid_at,
    )


def _money(attempt: Attempt, target: AttemptState) -> Money | None:
    if target == AttemptState.PAID:
        return Money(LedgerKind.CHARGED, attempt.amount)
    if target == AttemptState.REVERSED:
        return Money(LedgerKind.REVERSED, -attempt.amount)
    return None


def _effect(order: Order, attempt: Attempt, target: AttemptState) -> Effect:
    if target == AttemptState.PAID:
        return _of_a_charge(order)
    if target != AttemptState.REVERSED:
        return Effect.NOTHING
    before_booking = order.state == OrderState.PAID and order.owning_attempt_id == attempt.pk
    return Effect.REVERSE if before_booking else Effect.REVERSED_AFTER_BOOKING


def _of_a_charge(order: Order) -> Effect:
    if order.state in UNPAID:
        return Effect.PAY
    return Effect.PAY_LATE if order.state in CLOSED_ORDER_STATES else Effect.PAID_TWICE
