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


def _fan(sources: tuple[str, ...], verb: str, target: str) -> dict[tuple[str, str], str]:
    return {(source, verb): target for source in sources}


Ord, Att, Ref, Sag, Stp, Dis, Pos, Inb = (
    OrderState,
    AttemptState,
    RefundState,
    SagaState,
    StepState,
    DispatchState,
    PostingState,
    InboundState,
)

_UNPAID = (Ord.CREATED, Ord.AWAITING_PAYMENT)
_CLOSED = (Ord.CANCELLED, Ord.EXPIRED, Ord.FAILED)

ORDER = Machine(
    name="order",
    states=OrderState,
    verbs=OrderVerb,
    births=frozenset({Ord.CREATED}),
    edges=MappingProxyType(
        {
            (Ord.CREATED, OrderVerb.OPEN_LINK): Ord.AWAITING_PAYMENT,
            **_fan(_UNPAID, OrderVerb.PAY, Ord.PAID),
            **_fan(_UNPAID, OrderVerb.EXPIRE, Ord.EXPIRED),
            **_fan(_UNPAID, OrderVerb.FAIL, Ord.FAILED),
            (Ord.PAID, OrderVerb.BOOK): Ord.BOOKING,
            (Ord.BOOKING, OrderVerb.QUEUE): Ord.QUEUED_FOR_DISPATCH,
            (Ord.QUEUED_FOR_DISPATCH, OrderVerb.BOOK): Ord.BOOKING,
            **_fan((Ord.BOOKING, Ord.QUEUED_FOR_DISPATCH), OrderVerb.CONFIRM, Ord.ACTIVE),
            **_fan((Ord.BOOKING, Ord.QUEUED_FOR_DISPATCH), OrderVerb.FAIL, Ord.FAILED),
            (Ord.ACTIVE, OrderVerb.COMPLETE): Ord.COMPLETED,
            **_fan(
                (*_UNPAID, Ord.PAID, Ord.BOOKING, Ord.QUEUED_FOR_DISPATCH, Ord.ACTIVE),
                OrderVerb.CANCEL,
                Ord.CANCELLED,
            ),
            # The gateway took the money back before anything was booked.
            (Ord.PAID, OrderVerb.REVERSE): Ord.AWAITING_PAYMENT,
            # Money on a closed order is never a quiet resurrection: a person decides.
            **_fan(_CLOSED, OrderVerb.PAY_LATE, Ord.PAID_AFTER_CLOSE),
            (Ord.PAID_AFTER_CLOSE, OrderVerb.REINSTATE): Ord.PAID,
            (Ord.PAID_AFTER_CLOSE, OrderVerb.SETTLE): Ord.CANCELLED,
            # A trip booked as completed that the partner later takes back.
            (Ord.COMPLETED, OrderVerb.ANNUL): Ord.CANCELLED,
        }
    ),
)

_ASKABLE = (Att.UNKNOWN, Att.OPEN)
_UNPAID_ATTEMPT = (Att.DECLINED, Att.NOT_STARTED, Att.EXPIRED, Att.CANCELLED)

ATTEMPT = Machine(
    name="attempt",
    states=AttemptState,
    verbs=AttemptVerb,
    births=frozenset({Att.REQUESTED}),
    edges=MappingProxyType(
        {
            # Written before the call: until the gateway answers we do not know.
            (Att.REQUESTED, AttemptVerb.SEND): Att.UNKNOWN,
            (Att.REQUESTED, AttemptVerb.CANCEL): Att.CANCELLED,
            (Att.UNKNOWN, AttemptVerb.OPEN): Att.OPEN,
            (Att.UNKNOWN, AttemptVerb.NOT_START): Att.NOT_STARTED,
            **_fan(_ASKABLE, AttemptVerb.DECLINE, Att.DECLINED),
            **_fan(_ASKABLE, AttemptVerb.EXPIRE, Att.EXPIRED),
            **_fan(_ASKABLE, AttemptVerb.CANCEL, Att.CANCELLED),
            # Paid outranks every terminal failure: late money is still money.
            **_fan((*_ASKABLE, *_UNPAID_ATTEMPT, Att.MISMATCH), AttemptVerb.PAY, Att.PAID),
            **_fan((*_ASKABLE, *_UNPAID_ATTEMPT), AttemptVerb.MISMATCH, Att.MISMATCH),
            # Only a person closes a mismatch that turned out to be no payment.
            (Att.MISMATCH, AttemptVerb.DECLINE): Att.DECLINED,
            (Att.PAID, AttemptVerb.REVERSE): Att.REVERSED,
        }
    ),
)

REFUND = Machine(
    name="refund",
    states=RefundState,
    verbs=RefundVerb,
    births=frozenset({Ref.REQUESTED}),
    edges=MappingProxyType(
        {
            (Ref.REQUESTED, RefundVerb.APPROVE): Ref.APPROVED,
            (Ref.REQUESTED, RefundVerb.REJECT): Ref.REJECTED,
            (Ref.APPROVED, RefundVerb.SEND): Ref.SENT,
            **_fan((Ref.SENT, Ref.UNKNOWN), RefundVerb.SUCCEED, Ref.SUCCEEDED),
            **_fan((Ref.SENT, Ref.UNKNOWN), RefundVerb.FAIL, Ref.FAILED),
            (Ref.SENT, RefundVerb.LOSE): Ref.UNKNOWN,
            # The gateway was asked and has never heard of it: the same key may go again.
            **_fan((Ref.SENT, Ref.UNKNOWN, Ref.FAILED), RefundVerb.RETRY, Ref.APPROVED),
            (Ref.SUCCEEDED, RefundVerb.BOUNCE): Ref.FAILED,
        }
    ),
)

SAGA = Machine(
    name="saga",
    states=SagaState,
    verbs=SagaVerb,
    births=frozenset({Sag.RUNNING}),
    edges=MappingProxyType(
        {
            **_fan((Sag.RUNNING, Sag.NEEDS_HAND), SagaVerb.SUCCEED, Sag.SUCCEEDED),
            # A booked order that is cancelled later is undone by the same steps, backwards.
            **_fan((Sag.RUNNING, Sag.NEEDS_HAND, Sag.SUCCEEDED), SagaVerb.COMPENSATE, Sag.COMPENSATING),
            **_fan((Sag.COMPENSATING, Sag.NEEDS_HAND), SagaVerb.FINISH, Sag.COMPENSATED),
            **_fan((Sag.RUNNING, Sag.COMPENSATING), SagaVerb.GIVE_UP, Sag.NEEDS_HAND),
            (Sag.NEEDS_HAND, SagaVerb.RETRY): Sag.RUNNING,
        }
    ),
)

STEP = Machine(
    name="step",
    states=StepState,
    verbs=StepVerb,
    births=frozenset({Stp.PENDING}),
    edges=MappingProxyType(
        {
            (Stp.PENDING, StepVerb.SEND): Stp.SENT,
            **_fan((Stp.SENT, Stp.UNKNOWN), StepVerb.FINISH, Stp.DONE),
            **_fan((Stp.SENT, Stp.UNKNOWN), StepVerb.FAIL, Stp.FAILED),
            (Stp.SENT, StepVerb.LOSE): Stp.UNKNOWN,
            # The partner was asked and has never heard of it: the same key may go again.
            **_fan((Stp.SENT, Stp.UNKNOWN, Stp.FAILED), StepVerb.RETRY, Stp.PENDING),
            **_fan((Stp.SENT, Stp.DONE, Stp.UNKNOWN, Stp.UNDO_FAILED), StepVerb.UNDO, Stp.UNDOING),
            (Stp.UNDOING, StepVerb.FINISH_UNDO): Stp.UNDONE,
            (Stp.UNDO_FAILED, StepVerb.FINISH_UNDO): Stp.UNDONE,
            (Stp.UNDOING, StepVerb.FAIL_UNDO): Stp.UNDO_FAILED,
            **_fan((Stp.PENDING, Stp.FAILED), StepVerb.SKIP, Stp.SKIPPED),
        }
    ),
)

DISPATCH = Machine(
    name="dispatch",
    states=DispatchState,
    verbs=DispatchVerb,
    births=frozenset({Dis.WAITING}),
    edges=MappingProxyType(
        {
            (Dis.WAITING, DispatchVerb.CLAIM): Dis.CLAIMED,
            (Dis.CLAIMED, DispatchVerb.RELEASE): Dis.WAITING,
            **_fan((Dis.WAITING, Dis.CLAIMED), DispatchVerb.SEND, Dis.SENDING),
            (Dis.SENDING, DispatchVerb.RELEASE): Dis.WAITING,
            **_fan((Dis.CLAIMED, Dis.SENDING), DispatchVerb.DISPATCH, Dis.DISPATCHED),
            **_fan((Dis.CLAIMED, Dis.SENDING), DispatchVerb.FAIL, Dis.FAILED),
            **_fan(
                (Dis.WAITING, Dis.CLAIMED, Dis.SENDING, Dis.FAILED),
                DispatchVerb.WITHDRAW,
                Dis.WITHDRAWN,
            ),
        }
    ),
)

POSTING = Machine(
    name="posting",
    states=PostingState,
    verbs=PostingVerb,
    births=frozenset({Pos.DUE}),
    edges=MappingProxyType(
        {
            (Pos.DUE, PostingVerb.SEND): Pos.SENT,
            **_fan((Pos.SENT, Pos.UNKNOWN), PostingVerb.RECORD, Pos.RECORDED),
            **_fan((Pos.SENT, Pos.UNKNOWN), PostingVerb.REJECT, Pos.REJECTED),
            (Pos.SENT, PostingVerb.LOSE): Pos.UNKNOWN,
            **_fan((Pos.SENT, Pos.UNKNOWN, Pos.REJECTED), PostingVerb.RETRY, Pos.DUE),
        }
    ),
)

_JUDGED = (Inb.DUPLICATE, Inb.OUT_OF_ORDER, Inb.ILLEGAL, Inb.QUARANTINED)

INBOUND = Machine(
    name="inbound",
    states=InboundState,
    verbs=InboundVerb,
    births=frozenset({Inb.STORED, Inb.QUARANTINED}),
    edges=MappingProxyType(
        {
            (Inb.STORED, InboundVerb.APPLY): Inb.APPLIED,
            (Inb.STORED, InboundVerb.REPEAT): Inb.DUPLICATE,
            (Inb.STORED, InboundVerb.OUTRANK): Inb.OUT_OF_ORDER,
            (Inb.STORED, InboundVerb.REFUSE): Inb.ILLEGAL,
            (Inb.STORED, InboundVerb.QUARANTINE): Inb.QUARANTINED,
            **_fan((*_JUDGED, Inb.APPLIED), InboundVerb.REPLAY, Inb.STORED),
        }
    ),
)

MACHINES: Mapping[str, Machine] = MappingProxyType(
    {m.name: m for m in (ORDER, ATTEMPT, REFUND, SAGA, STEP, DISPATCH, POSTING, INBOUND)}
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
    Ord.CREATED,
    Ord.AWAITING_PAYMENT,
    Ord.PAID,
    Ord.BOOKING,
    Ord.QUEUED_FOR_DISPATCH,
    Ord.ACTIVE,
    Ord.PAID_AFTER_CLOSE,
)

# "Late news" is compared by rank: a lower rank after a higher one is kept and shown, not applied
# (notes on gateways: settlement may arrive before pending; Midtrans status cycle).
ATTEMPT_RANK: Mapping[str, int] = MappingProxyType(
    {
        Att.REQUESTED: 0,
        Att.UNKNOWN: 0,
        Att.OPEN: 1,
        Att.NOT_STARTED: 2,
        Att.DECLINED: 2,
        Att.EXPIRED: 2,
        Att.CANCELLED: 2,
        Att.MISMATCH: 2,
        Att.PAID: 3,
        Att.REVERSED: 4,
    }
)
