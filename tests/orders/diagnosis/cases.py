"""Evidence of every kind of hanging order, with the cause and the step it should lead to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.diagnosis.causes import Cause, NextStep
from orders.diagnosis.evidence import (
    AttemptFacts,
    DispatchFacts,
    Evidence,
    InboundFacts,
    Platform,
    PostingFacts,
    RefundFacts,
    SagaFacts,
    StepFacts,
)

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=2)
LATELY = NOW - timedelta(seconds=5)
SOON = NOW + timedelta(seconds=5)


def order(state: str, **facts: Any) -> Evidence:
    return Evidence(at=NOW, since=LONG_AGO, state=state, order_state=state, **facts)


def attempt(state: str, **facts: Any) -> AttemptFacts:
    return AttemptFacts(id=1, state=state, gateway="midtrans", entered_at=LONG_AGO, **facts)


def saga(state: str = "running", **facts: Any) -> SagaFacts:
    return SagaFacts(id=7, state=state, entered_at=LONG_AGO, **facts)


def step(state: str, **facts: Any) -> StepFacts:
    return StepFacts(id=8, saga_id=7, state=state, partner="tpg", sent_at=LONG_AGO, **facts)


def refund(state: str, **facts: Any) -> Evidence:
    row = RefundFacts(id=3, state=state, key="rf-1", created_at=LONG_AGO, **facts)
    return replace(order("failed"), machine="refund", state=state, subject_id=3, refunds=(row,))


def posting(state: str, **facts: Any) -> Evidence:
    row = PostingFacts(id=4, state=state, reference="T-1", created_at=LONG_AGO, **facts)
    return replace(order("completed"), machine="posting", state=state, subject_id=4, postings=(row,))


def message(state: str = "stored", **facts: Any) -> InboundFacts:
    return InboundFacts(id=5, state=state, source="midtrans", claim="settlement", received_at=LONG_AGO, **facts)


DEAD = Platform({"worker-act.1": NOW - timedelta(minutes=5)})
ALIVE = Platform({"worker-act.1": NOW - timedelta(minutes=5), "worker-act.2": LATELY})
WAITING_STEP = DispatchFacts(id=9, state="waiting", created_at=LONG_AGO, due_at=SOON)
OPEN = attempt("open", asked_at=LATELY, tries=4, expires_at=SOON)
DUE_SAGA = saga(due_at=LONG_AGO)

CASES: list[tuple[str, Evidence, Cause, NextStep]] = [
    (
        "all gateways refused",
        order("created", attempts=(attempt("declined", answer="denied"), attempt("requested", due_at=SOON))),
        Cause.LINK_NEVER_MADE,
        NextStep.MAKE_LINK,
    ),
    ("no attempt at all", order("created"), Cause.LINK_NEVER_MADE, NextStep.MAKE_LINK),
    (
        "the gateway could not be reached",
        order("created", attempts=(attempt("not_started", last_error="refused"),)),
        Cause.LINK_NEVER_MADE,
        NextStep.MAKE_LINK,
    ),
    (
        "the link was asked for and never answered",
        order("created", attempts=(attempt("unknown", asked_at=LATELY, last_error="timed out", tries=3),)),
        Cause.PAYMENT_UNKNOWN,
        NextStep.RECHECK_PAYMENT,
    ),
    (
        "open link, silent gateway, no message",
        order("awaiting_payment", attempts=(replace(OPEN, last_error="timed out"),)),
        Cause.CALLBACK_LOST,
        NextStep.RECHECK_PAYMENT,
    ),
    (
        "open link that nobody has asked about",
        order("awaiting_payment", attempts=(attempt("open"),)),
        Cause.CALLBACK_LOST,
        NextStep.RECHECK_PAYMENT,
    ),
    (
        "message stored, worker dead",
        order("awaiting_payment", attempts=(OPEN,), inbound=(message(attempt_id=1, due_at=LONG_AGO),), platform=DEAD),
        Cause.CALLBACK_NOT_APPLIED,
        NextStep.RECHECK_PAYMENT,
    ),
    (
        "trip event stored",
        order("active", inbound=(message(),)),
        Cause.CALLBACK_NOT_APPLIED,
        NextStep.WAIT,
    ),
    (
        "the gateway says not paid",
        order("awaiting_payment", attempts=(OPEN,)),
        Cause.CUSTOMER_NOT_PAID,
        NextStep.WAIT,
    ),
    (
        "the gateway says another amount",
        order("awaiting_payment", attempts=(attempt("mismatch", answer="paid 5, not 7"),)),
        Cause.AMOUNT_MISMATCH,
        NextStep.ASK_FINANCE,
    ),
    (
        "another amount, on an order that was closed",
        replace(
            order("cancelled", attempts=(attempt("mismatch", answer="paid 5, not 7"),), held=5),
            machine="attempt",
            state="mismatch",
        ),
        Cause.AMOUNT_MISMATCH,
        NextStep.ASK_FINANCE,
    ),
    (
        "late money",
        order("paid_after_close", attempts=(attempt("paid"),)),
        Cause.PAID_AFTER_CLOSE,
        NextStep.REFUND,
    ),
    ("late money without its attempt", order("paid_after_close"), Cause.PAID_AFTER_CLOSE, NextStep.REFUND),
    ("paid, no saga", order("paid"), Cause.BOOKING_NEVER_STARTED, NextStep.RETRY_BOOKING),
    (
        "a partner does not answer",
        order("booking", sagas=(saga(due_at=SOON),), steps=(step("unknown"),)),
        Cause.BOOKING_STEP_UNANSWERED,
        NextStep.RETRY_BOOKING,
    ),
    (
        "a worker died with its request under way",
        order(
            "booking", sagas=(saga(lease_until=LONG_AGO, due_at=LONG_AGO),), steps=(step("sent", lease_until=LONG_AGO),)
        ),
        Cause.BOOKING_WORKER_DIED,
        NextStep.RETRY_BOOKING,
    ),
    (
        "dispatch is away",
        order("queued_for_dispatch", sagas=(saga(),), steps=(step("pending"),), dispatches=(WAITING_STEP,)),
        Cause.DISPATCH_UNAVAILABLE,
        NextStep.RETRY_BOOKING,
    ),
    (
        "a person dispatches by hand",
        order(
            "queued_for_dispatch",
            sagas=(saga(),),
            dispatches=(replace(WAITING_STEP, state="claimed", claimed_by="wati"),),
        ),
        Cause.DISPATCH_UNAVAILABLE,
        NextStep.WAIT,
    ),
    (
        "the dispatch entry is what hangs",
        replace(order("booking", sagas=(saga(),), dispatches=(WAITING_STEP,)), machine="dispatch", state="waiting"),
        Cause.DISPATCH_UNAVAILABLE,
        NextStep.RETRY_BOOKING,
    ),
    (
        "a partner said no",
        order("booking", sagas=(saga("compensating"),), steps=(step("failed", answer="no car"),)),
        Cause.PARTNER_REFUSED,
        NextStep.WAIT,
    ),
    (
        "undoing gave up",
        order("booking", sagas=(saga("needs_hand", failure="tpg: no car"),), steps=(step("undo_failed"),)),
        Cause.COMPENSATION_STUCK,
        NextStep.CALL_PARTNER,
    ),
    (
        "undoing takes for ever",
        replace(
            order("cancelled", sagas=(saga("compensating"),), steps=(step("undoing"),)),
            machine="saga",
            state="compensating",
        ),
        Cause.COMPENSATION_STUCK,
        NextStep.CALL_PARTNER,
    ),
    ("refund refused", refund("failed", last_error="no balance"), Cause.REFUND_FAILED, NextStep.REFUND),
    (
        "refund of a way of paying that takes nothing back",
        replace(
            refund("failed", attempt_id=1),
            attempts=(AttemptFacts(id=1, state="paid", gateway="nicepay", method="va_bca"),),
        ),
        Cause.REFUND_BY_HAND,
        NextStep.RECORD_TRANSFER,
    ),
    (
        "late money that its way of paying takes no refund of",
        order(
            "paid_after_close",
            refunds=(RefundFacts(id=3, state="failed", key="rf-1", created_at=LONG_AGO, attempt_id=1),),
            attempts=(attempt("paid", method="va_bca"),),
        ),
        Cause.REFUND_BY_HAND,
        NextStep.RECORD_TRANSFER,
    ),
    ("refund sent", refund("sent"), Cause.REFUND_UNANSWERED, NextStep.WAIT),
    ("refund unknown", refund("unknown", tries=3), Cause.REFUND_UNANSWERED, NextStep.WAIT),
    ("refund large", refund("requested"), Cause.REFUND_NEEDS_APPROVAL, NextStep.ASK_FINANCE),
    ("refund not sent", refund("approved", tries=2, last_error="refused"), Cause.REFUND_PENDING, NextStep.WAIT),
    ("no end of the trip", order("active"), Cause.TRIP_END_MISSING, NextStep.CALL_PARTNER),
    ("HO said no", posting("rejected", last_error="unknown city"), Cause.HO_REJECTED, NextStep.REPOST_HO),
    ("HO silent", posting("unknown", tries=3), Cause.HO_UNANSWERED, NextStep.REPOST_HO),
    ("HO answer under way", posting("sent"), Cause.HO_UNANSWERED, NextStep.REPOST_HO),
    (
        "HO cannot be reached",
        posting("due", due_at=SOON, tries=4, last_error="refused"),
        Cause.HO_NEVER_POSTED,
        NextStep.REPOST_HO,
    ),
    (
        "no database connection",
        order("booking", sagas=(saga(last_error="OperationalError: FATAL: sorry, too many clients already"),)),
        Cause.DATABASE_POOL_DRY,
        NextStep.WAIT,
    ),
    ("due, free, workers silent", order("paid", sagas=(DUE_SAGA,), platform=DEAD), Cause.WORKER_BACKLOG, NextStep.WAIT),
    ("due, free, workers alive", order("paid", sagas=(DUE_SAGA,), platform=ALIVE), Cause.WORKER_BACKLOG, NextStep.WAIT),
    ("imported, created", order("created", imported=True), Cause.IMPORT_NEVER_PAID, NextStep.WAIT),
    (
        "imported, created with money",
        order("created", imported=True, held=5),
        Cause.IMPORT_PAYMENT_NOT_APPROVED,
        NextStep.ASK_FINANCE,
    ),
    ("imported, paid", order("paid", imported=True), Cause.IMPORT_NEVER_BOOKED, NextStep.CALL_PARTNER),
    ("imported, booking", order("booking", imported=True), Cause.IMPORT_BOOKING_NEVER_CONFIRMED, NextStep.CALL_PARTNER),
    (
        "imported, active",
        order("active", imported=True, promised_by=LONG_AGO),
        Cause.IMPORT_NEVER_COMPLETED,
        NextStep.CALL_PARTNER,
    ),
    ("nothing fits", replace(order("cancelled"), machine="inbound"), Cause.UNEXPLAINED, NextStep.RECHECK_PAYMENT),
]
