"""State → tone: whose move it is. Labels are the enums' own; colours live in the style sheet."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise

from orders.states import (
    MACHINES,
    AttemptState,
    DispatchState,
    InboundState,
    LetterState,
    NoticeState,
    OrderState,
    PostingState,
    RefundState,
    SagaState,
    StepState,
)


class Tone(StrEnum):
    NEUTRAL = "neutral"  # nobody's move
    ACTIVE = "active"  # ours, a machine is working
    WAITING = "waiting"  # theirs, inside the limit
    ATTENTION = "attention"  # a person's move soon
    FAILED = "failed"  # a person's move now
    DONE = "done"  # finished well


_N, _A, _W, _T, _F, _D = Tone

TONES: Final[Mapping[str, Mapping[str, Tone]]] = MappingProxyType(
    {
        "order": {
            OrderState.CREATED: _A,
            OrderState.AWAITING_PAYMENT: _W,
            OrderState.PAID: _A,
            OrderState.BOOKING: _A,
            OrderState.QUEUED_FOR_DISPATCH: _W,
            OrderState.ACTIVE: _W,
            OrderState.COMPLETED: _D,
            OrderState.CANCELLED: _N,
            OrderState.EXPIRED: _N,
            OrderState.FAILED: _F,
            OrderState.PAID_AFTER_CLOSE: _T,
        },
        "attempt": {
            AttemptState.REQUESTED: _A,
            AttemptState.OPEN: _W,
            AttemptState.PAID: _D,
            AttemptState.DECLINED: _N,
            AttemptState.NOT_STARTED: _N,
            AttemptState.UNKNOWN: _T,
            AttemptState.EXPIRED: _N,
            AttemptState.CANCELLED: _N,
            AttemptState.REVERSED: _F,
            AttemptState.MISMATCH: _F,
        },
        "refund": {
            RefundState.REQUESTED: _T,
            RefundState.APPROVED: _A,
            RefundState.SENT: _W,
            RefundState.SUCCEEDED: _D,
            RefundState.FAILED: _F,
            RefundState.UNKNOWN: _T,
            RefundState.REJECTED: _N,
        },
        "saga": {
            SagaState.RUNNING: _A,
            SagaState.SUCCEEDED: _D,
            SagaState.COMPENSATING: _T,
            SagaState.COMPENSATED: _N,
            SagaState.NEEDS_HAND: _F,
        },
        "step": {
            StepState.PENDING: _N,
            StepState.SENT: _A,
            StepState.DONE: _D,
            StepState.FAILED: _F,
            StepState.UNKNOWN: _T,
            StepState.UNDOING: _A,
            StepState.UNDONE: _N,
            StepState.UNDO_FAILED: _F,
            StepState.SKIPPED: _N,
        },
        "dispatch": {
            DispatchState.WAITING: _W,
            DispatchState.CLAIMED: _A,
            DispatchState.SENDING: _A,
            DispatchState.DISPATCHED: _D,
            DispatchState.FAILED: _F,
            DispatchState.WITHDRAWN: _N,
        },
        "posting": {
            PostingState.DUE: _T,
            PostingState.SENT: _W,
            PostingState.RECORDED: _D,
            PostingState.REJECTED: _F,
            PostingState.UNKNOWN: _T,
        },
        "inbound": {
            InboundState.STORED: _A,
            InboundState.APPLIED: _D,
            InboundState.DUPLICATE: _N,
            InboundState.OUT_OF_ORDER: _N,
            InboundState.ILLEGAL: _F,
            InboundState.QUARANTINED: _T,
        },
        "letter": {
            LetterState.RETRYING: _A,
            LetterState.DEAD: _F,
            LetterState.HANDLED: _D,
            LetterState.DISCARDED: _N,
        },
        "notice": {
            NoticeState.QUEUED: _A,
            NoticeState.UNKNOWN: _T,
            NoticeState.SENT: _W,
            NoticeState.DELIVERED: _D,
            NoticeState.FAILED: _F,
            NoticeState.WITHDRAWN: _N,
        },
    }
)

# Past its limit, whatever was ours or theirs to do becomes a person's move soon.
_LATE: Final = frozenset({Tone.ACTIVE, Tone.WAITING, Tone.NEUTRAL})


def tone_of(machine: str, state: str, *, is_late: bool = False) -> Tone:
    """Tone of a state. KeyError for a machine or state that does not exist: a screen must not guess."""
    tone = TONES[machine][state]
    return Tone.ATTENTION if is_late and tone in _LATE else tone


def label_of(machine: str, state: str) -> str | Promise:
    """The enum's own label, in the reader's language. ValueError for a state that does not exist."""
    return MACHINES[machine].states(state).label
