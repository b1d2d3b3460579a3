"""Between money and trip: the booking saga, its partners, the dispatch queue."""

from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from orders.diagnosis.causes import Cause, NextStep
from orders.diagnosis.evidence import Evidence, StepFacts
from orders.diagnosis.findings import CERTAIN, LIKELY, POSSIBLE, Finding, Sentence, said
from orders.states import DispatchState, OrderState, SagaState, StepState

PAID = (OrderState.PAID, OrderState.BOOKING, OrderState.QUEUED_FOR_DISPATCH)
QUEUED = (DispatchState.WAITING, DispatchState.CLAIMED, DispatchState.SENDING)


def booking_never_started(evidence: Evidence) -> Finding | None:
    """Paid, and there is no saga that could book it."""
    if evidence.machine != "order" or evidence.state not in PAID or evidence.sagas:
        return None
    return Finding(Cause.BOOKING_NEVER_STARTED, CERTAIN, (said(_("There is money and no booking.")),))


def compensation_stuck(evidence: Evidence) -> Finding | None:
    """The saga gave up half-way back."""
    saga = evidence.saga
    if saga is None or saga.state not in (SagaState.NEEDS_HAND, SagaState.COMPENSATING):
        return None
    if saga.state == SagaState.COMPENSATING and evidence.machine != "saga":
        return None
    why = said(_("The booking is being undone because: %(failure)s."), failure=saga.failure or "-")
    bad = [step for step in evidence.saga_steps if step.state in (StepState.UNDO_FAILED, StepState.UNDOING)]
    steps = tuple(_about(_("%(partner)s was asked to cancel item %(number)s: %(answer)s."), step) for step in bad)
    confidence = CERTAIN if saga.state == SagaState.NEEDS_HAND else LIKELY
    return Finding(Cause.COMPENSATION_STUCK, confidence, (why, *steps))


def partner_refused(evidence: Evidence) -> Finding | None:
    """A partner said no; the way back has begun."""
    failed = [step for step in evidence.saga_steps if step.state == StepState.FAILED]
    if evidence.machine != "order" or not failed:
        return None
    text = _("%(partner)s refused item %(number)s: %(answer)s.")
    return Finding(Cause.PARTNER_REFUSED, LIKELY + 5, tuple(_about(text, step) for step in failed))


def booking_worker_died(evidence: Evidence) -> Finding | None:
    """A lease ran out with a request under way and nobody took the saga over."""
    saga = evidence.saga
    if saga is None or evidence.machine != "order" or evidence.state not in PAID:
        return None
    left = [step for step in evidence.saga_steps if step.was_abandoned(evidence.at)]
    if not saga.was_abandoned(evidence.at) and not left:
        return None
    ended = saga.lease_until or left[0].lease_until
    sentences = [said(_("The lease of the booking ran out at %(lease_at)s."), lease_at=ended)]
    text = _("The request to %(partner)s for item %(number)s was left as %(state)s.")
    sentences.extend(_about(text, step) for step in left)
    return Finding(Cause.BOOKING_WORKER_DIED, LIKELY + 8, tuple(sentences))


def booking_step_unanswered(evidence: Evidence) -> Finding | None:
    """A partner was asked and nobody knows whether it booked."""
    silent = [step for step in evidence.saga_steps if step.state in (StepState.SENT, StepState.UNKNOWN)]
    if evidence.machine != "order" or evidence.state not in PAID or not silent:
        return None
    text = _("%(partner)s was asked to book item %(number)s at %(sent_at)s and has not answered.")
    return Finding(Cause.BOOKING_STEP_UNANSWERED, LIKELY, tuple(_about(text, step) for step in silent))


def dispatch_unavailable(evidence: Evidence) -> Finding | None:
    """The order waits for the dispatch system, try after try."""
    queued = [entry for entry in evidence.dispatches if entry.state in QUEUED]
    waits = evidence.machine == "order" and evidence.state == OrderState.QUEUED_FOR_DISPATCH
    if not queued:
        return Finding(Cause.DISPATCH_UNAVAILABLE, POSSIBLE) if waits else None
    entry = queued[0]
    sentences = [said(_("It has waited for dispatch since %(queued_at)s."), queued_at=entry.created_at)]
    if entry.due_at is not None:
        sentences.append(said(_("The next try is due at %(due_at)s."), due_at=entry.due_at))
    if entry.claimed_by:
        sentences.append(said(_("%(person)s is dispatching it by hand."), person=entry.claimed_by))
    step = NextStep.WAIT if entry.claimed_by else None
    return Finding(Cause.DISPATCH_UNAVAILABLE, CERTAIN - 4, tuple(sentences), step)


def booking_under_way(evidence: Evidence) -> Finding | None:
    """Nothing is wrong with any step: the saga waits for its next look."""
    saga = evidence.saga
    if saga is None or evidence.machine != "order" or evidence.state not in PAID:
        return None
    if saga.state != SagaState.RUNNING:
        return Finding(Cause.PARTNER_REFUSED, POSSIBLE, (said(_("The booking is being undone.")),))
    due = said(_("The booking is looked at again at %(due_at)s."), due_at=saga.due_at) if saga.due_at else None
    return Finding(Cause.BOOKING_STEP_UNANSWERED, POSSIBLE - 5, (due,) if due else ())


def _about(text: str, step: StepFacts) -> Sentence:
    """`text` with what it names of the step put in."""
    facts = {
        "partner": step.partner,
        "number": step.number,
        "state": step.state,
        "answer": step.answer or step.last_error or "-",
        "sent_at": step.sent_at or step.entered_at,
    }
    return said(text, **{name: value for name, value in facts.items() if f"%({name})s" in text})


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    compensation_stuck,
    booking_never_started,
    partner_refused,
    booking_worker_died,
    dispatch_unavailable,
    booking_step_unanswered,
    booking_under_way,
)
