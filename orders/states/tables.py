"""The edge tables, one per machine, and what follows from them. They are meant to be read as pictures."""

from collections.abc import Mapping
from types import MappingProxyType

from orders.states.machine import Machine
from orders.states.names import (
    AttemptState,
    AttemptVerb,
    DispatchState,
    DispatchVerb,
    InboundState,
    InboundVerb,
    LetterState,
    LetterVerb,
    NoticeState,
    NoticeVerb,
    OrderState,
    OrderVerb,
    PostingState,
    PostingVerb,
    RefundState,
    RefundVerb,
    SagaState,
    SagaVerb,
    StepState,
    StepVerb,
)


def _fan(sources: tuple[str, ...], verb: str, target: str) -> dict[tuple[str, str], str]:
    return {(source, verb): target for source in sources}


Ord, Att, Ref, Sag, Stp, Dis, Pos, Inb, Let, Not = (
    OrderState,
    AttemptState,
    RefundState,
    SagaState,
    StepState,
    DispatchState,
    PostingState,
    InboundState,
    LetterState,
    NoticeState,
)

_UNPAID = (Ord.CREATED, Ord.AWAITING_PAYMENT)
CLOSED_ORDER_STATES = (Ord.CANCELLED, Ord.EXPIRED, Ord.FAILED)

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
            **_fan(CLOSED_ORDER_STATES, OrderVerb.PAY_LATE, Ord.PAID_AFTER_CLOSE),
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
            # A person sent it from our bank account instead: never while the gateway may still do it.
            (Ref.FAILED, RefundVerb.TRANSFER): Ref.SUCCEEDED,
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
            # A person decides that what cannot be undone stays done.
            (Stp.UNDO_FAILED, StepVerb.LET_STAND): Stp.SKIPPED,
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

LETTER = Machine(
    name="letter",
    states=LetterState,
    verbs=LetterVerb,
    births=frozenset({Let.RETRYING, Let.DEAD}),
    edges=MappingProxyType(
        {
            (Let.RETRYING, LetterVerb.HANDLE): Let.HANDLED,
            (Let.RETRYING, LetterVerb.BURY): Let.DEAD,
            # Only a person takes a dead letter up again, or says that nobody needs it.
            **_fan((Let.DEAD, Let.DISCARDED), LetterVerb.REPLAY, Let.RETRYING),
            (Let.DEAD, LetterVerb.DISCARD): Let.DISCARDED,
        }
    ),
)

NOTICE = Machine(
    name="notice",
    states=NoticeState,
    verbs=NoticeVerb,
    births=frozenset({Not.QUEUED}),
    edges=MappingProxyType(
        {
            # Written before the call: until the provider answers we do not know.
            (Not.QUEUED, NoticeVerb.SEND): Not.UNKNOWN,
            (Not.UNKNOWN, NoticeVerb.ACCEPT): Not.SENT,
            # Certainly not sent: the next provider, or this one again later.
            (Not.UNKNOWN, NoticeVerb.RETRY): Not.QUEUED,
            **_fan((Not.UNKNOWN, Not.SENT), NoticeVerb.DELIVER, Not.DELIVERED),
            **_fan((Not.UNKNOWN, Not.SENT), NoticeVerb.BOUNCE, Not.FAILED),
            **_fan((Not.QUEUED, Not.UNKNOWN), NoticeVerb.FAIL, Not.FAILED),
            (Not.QUEUED, NoticeVerb.WITHDRAW): Not.WITHDRAWN,
        }
    ),
)

MACHINES: Mapping[str, Machine] = MappingProxyType(
    {m.name: m for m in (ORDER, ATTEMPT, REFUND, SAGA, STEP, DISPATCH, POSTING, INBOUND, LETTER, NOTICE)}
)

# Their births are no rows of the history: the row is its own record until something happens to it.
SILENT = frozenset({INBOUND.name, LETTER.name, NOTICE.name})

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
