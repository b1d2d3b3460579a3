"""The state machines of orders and money: one edge table each.

This file is the only place where a state or an edge is named. The SQL table behind the
trigger (`orders/sql/history.sql`), the pictures in the docs and in the console, and the exhaustive
tests are all derived from `MACHINES`. Rules: `docs/adr/0002`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrderState(TextChoices):
    CREATED = "created", _("Created")
    AWAITING_PAYMENT = "awaiting_payment", _("Awaiting payment")
    PAID = "paid", _("Paid, not booked")
    BOOKING = "booking", _("Booking")
    QUEUED_FOR_DISPATCH = "queued_for_dispatch", _("Queued for dispatch")
    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")
    PAID_AFTER_CLOSE = "paid_after_close", _("Paid after close")


class OrderVerb(StrEnum):
    CREATE = "create"
    OPEN_LINK = "open_link"
    PAY = "pay"
    BOOK = "book"
    QUEUE = "queue"
    CONFIRM = "confirm"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FAIL = "fail"
    PAY_LATE = "pay_late"
    REINSTATE = "reinstate"
    SETTLE = "settle"
    REVERSE = "reverse"
    ANNUL = "annul"


class AttemptState(TextChoices):
    REQUESTED = "requested", _("Link requested")
    OPEN = "open", _("Waiting for customer")
    PAID = "paid", _("Paid")
    DECLINED = "declined", _("Declined")
    NOT_STARTED = "not_started", _("Not started")
    UNKNOWN = "unknown", _("Payment unknown")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    REVERSED = "reversed", _("Reversed")
    MISMATCH = "mismatch", _("Amount mismatch")


class AttemptVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    OPEN = "open"
    PAY = "pay"
    DECLINE = "decline"
    NOT_START = "not_start"
    EXPIRE = "expire"
    CANCEL = "cancel"
    REVERSE = "reverse"
    MISMATCH = "mismatch"


class RefundState(TextChoices):
    REQUESTED = "requested", _("Refund requested")
    APPROVED = "approved", _("Refund approved")
    SENT = "sent", _("Refund sent")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Refund failed")
    UNKNOWN = "unknown", _("Refund unknown")
    REJECTED = "rejected", _("Refund rejected")


class RefundVerb(StrEnum):
    CREATE = "create"
    APPROVE = "approve"
    REJECT = "reject"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"
    LOSE = "lose"
    RETRY = "retry"
    BOUNCE = "bounce"


class SagaState(TextChoices):
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    COMPENSATING = "compensating", _("Compensating")
    COMPENSATED = "compensated", _("Compensated")
    NEEDS_HAND = "needs_hand", _("Needs a hand")


class SagaVerb(StrEnum):
    CREATE = "create"
    SUCCEED = "succeed"
    COMPENSATE = "compensate"
    FINISH = "finish"
    GIVE_UP = "give_up"
    RETRY = "retry"


class StepState(TextChoices):
    PENDING = "pending", _("Pending")
    SENT = "sent", _("Sent")
    DONE = "done", _("Done")
    FAILED = "failed", _("Booking failed")
    UNKNOWN = "unknown", _("No answer")
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")
    UNDO_FAILED = "undo_failed", _("Undo failed")
    SKIPPED = "skipped", _("Skipped")


class StepVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    FINISH = "finish"
    FAIL = "fail"
    LOSE = "lose"
    RETRY = "retry"
    UNDO = "undo"
    FINISH_UNDO = "finish_undo"
    FAIL_UNDO = "fail_undo"
    SKIP = "skip"


class DispatchState(TextChoices):
    WAITING = "waiting", _("Waiting for dispatch")
    CLAIMED = "claimed", _("Claimed")
    SENDING = "sending", _("Sending to dispatch")
    DISPATCHED = "dispatched", _("Dispatched")
    FAILED = "failed", _("Dispatch failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class DispatchVerb(StrEnum):
    CREATE = "create"
    CLAIM = "claim"
    RELEASE = "release"
    SEND = "send"
    DISPATCH = "dispatch"
    FAIL = "fail"
    WITHDRAW = "withdraw"


class PostingState(TextChoices):
    DUE = "due", _("Not at HO")
    SENT = "sent", _("Sent to HO")
    RECORDED = "recorded", _("At HO")
    REJECTED = "rejected", _("Rejected by HO")
    UNKNOWN = "unknown", _("HO did not answer")


class PostingVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    RECORD = "record"
    REJECT = "reject"
    LOSE = "lose"
    RETRY = "retry"


class InboundState(TextChoices):
    STORED = "stored", _("Stored")
    APPLIED = "applied", _("Applied")
    DUPLICATE = "duplicate", _("Duplicate")
    OUT_OF_ORDER = "out_of_order", _("Out of order")
    ILLEGAL = "illegal", _("Illegal")
    QUARANTINED = "quarantined", _("Quarantined")


class InboundVerb(StrEnum):
    CREATE = "create"
    QUARANTINE = "quarantine"
    APPLY = "apply"
    REPEAT = "repeat"
    OUTRANK = "outrank"
    REFUSE = "refuse"
    REPLAY = "replay"


Edges = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Machine:
    """One state machine: `edges[(state, verb)]` is the state the verb leads to."""

    name: str
    states: type[TextChoices]
    verbs: type[StrEnum]
    births: frozenset[str]
    edges: Edges

    @property
    def final(self) -> frozenset[str]:
        """States that no edge leaves."""
        left = {source for source, _verb in self.edges}
        return frozenset(set(self.states.values) - left)

    def target(self, state: str, verb: str) -> str | None:
        """The state `verb` leads to from `state`, or None where the table has no such edge."""
        return self.edges.get((state, verb))

    def verbs_from(self, state: str) -> list[str]:
        """The verbs the table allows from `state`, in table order."""
        return [verb for source, verb in self.edges if source == state]


def _fan(
    sources: tuple[str, ...], verb: str, target: str
) -> dict[tuple[str, str], str]:
    return {(source, verb): target for source in sources}


O, A, R, G, S, D, P, I = (
    OrderState,
    AttemptState,
    RefundState,
    SagaState,
    StepState,
    DispatchState,
    PostingState,
    InboundState,
)

_UNPAID = (O.CREATED, O.AWAITING_PAYMENT)
_CLOSED = (O.CANCELLED, O.EXPIRED, O.FAILED)

ORDER = Machine(
    name="order",
    states=OrderState,
    verbs=OrderVerb,
    births=frozenset({O.CREATED}),
    edges=MappingProxyType(
        {
            (O.CREATED, OrderVerb.OPEN_LINK): O.AWAITING_PAYMENT,
            **_fan(_UNPAID, OrderVerb.PAY, O.PAID),
            **_fan(_UNPAID, OrderVerb.EXPIRE, O.EXPIRED),
            **_fan(_UNPAID, OrderVerb.FAIL, O.FAILED),
            (O.PAID, OrderVerb.BOOK): O.BOOKING,
            (O.BOOKING, OrderVerb.QUEUE): O.QUEUED_FOR_DISPATCH,
            (O.QUEUED_FOR_DISPATCH, OrderVerb.BOOK): O.BOOKING,
            **_fan((O.BOOKING, O.QUEUED_FOR_DISPATCH), OrderVerb.CONFIRM, O.ACTIVE),
            **_fan((O.BOOKING, O.QUEUED_FOR_DISPATCH), OrderVerb.FAIL, O.FAILED),
            (O.ACTIVE, OrderVerb.COMPLETE): O.COMPLETED,
            **_fan(
                (*_UNPAID, O.PAID, O.BOOKING, O.QUEUED_FOR_DISPATCH, O.ACTIVE),
                OrderVerb.CANCEL,
                O.CANCELLED,
            ),
            # The gateway took the money back before anything was booked.
            (O.PAID, OrderVerb.REVERSE): O.AWAITING_PAYMENT,
            # Money on a closed order is never a quiet resurrection: a person decides.
            **_fan(_CLOSED, OrderVerb.PAY_LATE, O.PAID_AFTER_CLOSE),
            (O.PAID_AFTER_CLOSE, OrderVerb.REINSTATE): O.PAID,
            (O.PAID_AFTER_CLOSE, OrderVerb.SETTLE): O.CANCELLED,
            # A trip booked as completed that the partner later takes back.
            (O.COMPLETED, OrderVerb.ANNUL): O.CANCELLED,
        }
    ),
)

_ASKABLE = (A.UNKNOWN, A.OPEN)
_UNPAID_ATTEMPT = (A.DECLINED, A.NOT_STARTED, A.EXPIRED, A.CANCELLED)

ATTEMPT = Machine(
    name="attempt",
    states=AttemptState,
    verbs=AttemptVerb,
    births=frozenset({A.REQUESTED}),
    edges=MappingProxyType(
        {
            # Written before the call: until the gateway answers we do not know.
            (A.REQUESTED, AttemptVerb.SEND): A.UNKNOWN,
            (A.REQUESTED, AttemptVerb.CANCEL): A.CANCELLED,
            (A.UNKNOWN, AttemptVerb.OPEN): A.OPEN,
            (A.UNKNOWN, AttemptVerb.NOT_START): A.NOT_STARTED,
            **_fan(_ASKABLE, AttemptVerb.DECLINE, A.DECLINED),
            **_fan(_ASKABLE, AttemptVerb.EXPIRE, A.EXPIRED),
            **_fan(_ASKABLE, AttemptVerb.CANCEL, A.CANCELLED),
            # Paid outranks every terminal failure: late money is still money.
            **_fan((*_ASKABLE, *_UNPAID_ATTEMPT, A.MISMATCH), AttemptVerb.PAY, A.PAID),
            **_fan((*_ASKABLE, *_UNPAID_ATTEMPT), AttemptVerb.MISMATCH, A.MISMATCH),
            # Only a person closes a mismatch that turned out to be no payment.
            (A.MISMATCH, AttemptVerb.DECLINE): A.DECLINED,
            (A.PAID, AttemptVerb.REVERSE): A.REVERSED,
        }
    ),
)

REFUND = Machine(
    name="refund",
    states=RefundState,
    verbs=RefundVerb,
    births=frozenset({R.REQUESTED}),
    edges=MappingProxyType(
        {
            (R.REQUESTED, RefundVerb.APPROVE): R.APPROVED,
            (R.REQUESTED, RefundVerb.REJECT): R.REJECTED,
            (R.APPROVED, RefundVerb.SEND): R.SENT,
            **_fan((R.SENT, R.UNKNOWN), RefundVerb.SUCCEED, R.SUCCEEDED),
            **_fan((R.SENT, R.UNKNOWN), RefundVerb.FAIL, R.FAILED),
            (R.SENT, RefundVerb.LOSE): R.UNKNOWN,
            # The gateway was asked and has never heard of it: the same key may go again.
            **_fan((R.SENT, R.UNKNOWN, R.FAILED), RefundVerb.RETRY, R.APPROVED),
            (R.SUCCEEDED, RefundVerb.BOUNCE): R.FAILED,
        }
    ),
)

SAGA = Machine(
    name="saga",
    states=SagaState,
    verbs=SagaVerb,
    births=frozenset({G.RUNNING}),
    edges=MappingProxyType(
        {
            **_fan((G.RUNNING, G.NEEDS_HAND), SagaVerb.SUCCEED, G.SUCCEEDED),
            **_fan((G.RUNNING, G.NEEDS_HAND), SagaVerb.COMPENSATE, G.COMPENSATING),
            **_fan((G.COMPENSATING, G.NEEDS_HAND), SagaVerb.FINISH, G.COMPENSATED),
            **_fan((G.RUNNING, G.COMPENSATING), SagaVerb.GIVE_UP, G.NEEDS_HAND),
            (G.NEEDS_HAND, SagaVerb.RETRY): G.RUNNING,
        }
    ),
)

STEP = Machine(
    name="step",
    states=StepState,
    verbs=StepVerb,
    births=frozenset({S.PENDING}),
    edges=MappingProxyType(
        {
            (S.PENDING, StepVerb.SEND): S.SENT,
            **_fan((S.SENT, S.UNKNOWN), StepVerb.FINISH, S.DONE),
            **_fan((S.SENT, S.UNKNOWN), StepVerb.FAIL, S.FAILED),
            (S.SENT, StepVerb.LOSE): S.UNKNOWN,
            # The partner was asked and has never heard of it: the same key may go again.
            **_fan((S.SENT, S.UNKNOWN, S.FAILED), StepVerb.RETRY, S.PENDING),
            **_fan(
                (S.SENT, S.DONE, S.UNKNOWN, S.UNDO_FAILED), StepVerb.UNDO, S.UNDOING
            ),
            (S.UNDOING, StepVerb.FINISH_UNDO): S.UNDONE,
            (S.UNDO_FAILED, StepVerb.FINISH_UNDO): S.UNDONE,
            (S.UNDOING, StepVerb.FAIL_UNDO): S.UNDO_FAILED,
            **_fan((S.PENDING, S.FAILED), StepVerb.SKIP, S.SKIPPED),
        }
    ),
)

DISPATCH = Machine(
    name="dispatch",
    states=DispatchState,
    verbs=DispatchVerb,
    births=frozenset({D.WAITING}),
    edges=MappingProxyType(
        {
            (D.WAITING, DispatchVerb.CLAIM): D.CLAIMED,
            (D.CLAIMED, DispatchVerb.RELEASE): D.WAITING,
            **_fan((D.WAITING, D.CLAIMED), DispatchVerb.SEND, D.SENDING),
            (D.SENDING, DispatchVerb.RELEASE): D.WAITING,
            **_fan((D.CLAIMED, D.SENDING), DispatchVerb.DISPATCH, D.DISPATCHED),
            **_fan((D.CLAIMED, D.SENDING), DispatchVerb.FAIL, D.FAILED),
            **_fan(
                (D.WAITING, D.CLAIMED, D.SENDING, D.FAILED),
                DispatchVerb.WITHDRAW,
                D.WITHDRAWN,
            ),
        }
    ),
)

POSTING = Machine(
    name="posting",
    states=PostingState,
    verbs=PostingVerb,
    births=frozenset({P.DUE}),
    edges=MappingProxyType(
        {
            (P.DUE, PostingVerb.SEND): P.SENT,
            **_fan((P.SENT, P.UNKNOWN), PostingVerb.RECORD, P.RECORDED),
            **_fan((P.SENT, P.UNKNOWN), PostingVerb.REJECT, P.REJECTED),
            (P.SENT, PostingVerb.LOSE): P.UNKNOWN,
            **_fan((P.SENT, P.UNKNOWN, P.REJECTED), PostingVerb.RETRY, P.DUE),
        }
    ),
)

_JUDGED = (I.DUPLICATE, I.OUT_OF_ORDER, I.ILLEGAL, I.QUARANTINED)

INBOUND = Machine(
    name="inbound",
    states=InboundState,
    verbs=InboundVerb,
    births=frozenset({I.STORED, I.QUARANTINED}),
    edges=MappingProxyType(
        {
            (I.STORED, InboundVerb.APPLY): I.APPLIED,
            (I.STORED, InboundVerb.REPEAT): I.DUPLICATE,
            (I.STORED, InboundVerb.OUTRANK): I.OUT_OF_ORDER,
            (I.STORED, InboundVerb.REFUSE): I.ILLEGAL,
            (I.STORED, InboundVerb.QUARANTINE): I.QUARANTINED,
            **_fan((*_JUDGED, I.APPLIED), InboundVerb.REPLAY, I.STORED),
        }
    ),
)

MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        m.name: m
        for m in (ORDER, ATTEMPT, REFUND, SAGA, STEP, DISPATCH, POSTING, INBOUND)
    }
)


class LedgerKind(TextChoices):
    CHARGED = "charged", _("Charged")
    REFUNDED = "refunded", _("Refunded")
    REVERSED = "reversed", _("Reversed")
    ADJUSTED = "adjusted", _("Adjusted")


class Service(TextChoices):
    TAXI = "taxi", _("Taxi")
    RENT = "rent", _("Rent")
    DELIVERY = "delivery", _("Delivery")
    SHUTTLE = "shuttle", _("Shuttle")


class Channel(TextChoices):
    APP = "app", _("App")
    WEB = "web", _("Web")
    CORPORATE = "corporate", _("Corporate")


OPEN_ORDER_STATES: tuple[str, ...] = (
    O.CREATED,
    O.AWAITING_PAYMENT,
    O.PAID,
    O.BOOKING,
    O.QUEUED_FOR_DISPATCH,
    O.ACTIVE,
    O.PAID_AFTER_CLOSE,
)

# "Late news" is compared by rank: a lower rank after a higher one is kept and shown, not applied
# (notes on gateways: settlement may arrive before pending; Midtrans status cycle).
ATTEMPT_RANK: Mapping[str, int] = MappingProxyType(
    {
        A.REQUESTED: 0,
        A.UNKNOWN: 0,
        A.OPEN: 1,
        A.NOT_STARTED: 2,
        A.DECLINED: 2,
        A.EXPIRED: 2,
        A.CANCELLED: 2,
        A.MISMATCH: 2,
        A.PAID: 3,
        A.REVERSED: 4,
    }
)
