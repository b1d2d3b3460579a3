"""What gateways, partners and Head Office say of an order at this moment, beside what we say.

Only readings: nothing here writes, and no money moves. Everybody is asked side by side, outside any
transaction, within one short total deadline; who does not answer in time is shown as not answering.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from django.utils import timezone

from orders import crew
from orders.clients import ho
from orders.clients.bookings import Booking
from orders.clients.gateway import Status
from orders.clients.registry import GATEWAYS, gateway
from orders.clients.registry import partner as booking_partner
from orders.models import Attempt, Order, Posting, Step
from orders.resilience.outcome import Answered, Outcome, Refused
from orders.services.booking import BY_HAND
from orders.states import AttemptState, OrderState, PostingState, StepState

BUDGET: Final = 4.0  # seconds for all questions together


class Answer(StrEnum):
    SAID = "said"  # they know it and said what they know
    ABSENT = "absent"  # they have never heard of it
    SILENT = "silent"  # no trustworthy answer in time
    NOT_ASKED = "not_asked"  # there is nobody to ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One answer. `machine` and `ours` are our row's machine and state; `said` is their own word and
    `means` that word in the states of our machine ('' when it has none there); `differs` is set where
    both cannot be right. `seconds` is how long the answer took."""

    who: str
    machine: str
    about: str
    ours: str
    answer: Answer
    said: str = ""
    means: str = ""
    amount: int | None = None
    currency: str = ""
    expected: int | None = None
    refunded: int = 0
    differs: bool = False
    why: str = ""
    asked_at: datetime
    seconds: float = 0.0

    @property
    def amount_differs(self) -> bool:
        return self.amount is not None and self.expected is not None and self.amount != self.expected


Question = Callable[[float], Truth]  # takes the instant, by time.monotonic(), at which it must be over


def ask_everybody(order: Order, *, budget: float = BUDGET) -> Sequence[Truth]:
    """Every attempt at its gateway, every booking at its partner, every entry at Head Office."""
    attempts = order.attempts.order_by("number")
    steps = Step.objects.filter(order=order).exclude(item=None).select_related("item").order_by("saga_id", "number")
    questions: list[Question] = [
        *(partial(_ask_gateway, attempt) for attempt in attempts),
        *(partial(_ask_partner, order, step) for step in steps),
        *_questions_to_ho(order),
    ]
    until = time.monotonic() + budget
    return crew.each(partial(_asked, until=until), questions, crew="truths")


def _asked(question: Question, *, until: float) -> Truth:
    return question(until)


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


# Gateways.

_NOTHING_PAID = (
    AttemptState.DECLINED,
    AttemptState.NOT_STARTED,
    AttemptState.EXPIRED,
    AttemptState.CANCELLED,
)
_PAID_BEFORE = (AttemptState.PAID, AttemptState.REVERSED)


def _ask_gateway(attempt: Attempt, until: float) -> Truth:
    known: dict[str, Any] = {
        "who": attempt.gateway,
        "machine": "attempt",
        "about": attempt.reference,
        "ours": attempt.state,
    }
    known |= {"expected": attempt.amount, "currency": attempt.currency, "asked_at": timezone.now()}
    if attempt.gateway not in GATEWAYS or attempt.state == AttemptState.REQUESTED:
        return Truth(**known, answer=Answer.NOT_ASKED)
    began = time.monotonic()
    outcome = gateway(attempt.gateway).ask_status(
        attempt.reference,
        gateway_ref=attempt.gateway_reference,
        amount=attempt.amount,
        method=attempt.method,
        currency=attempt.currency,
        paid_before=attempt.state in _PAID_BEFORE,
        deadline=_left(until),
    )
    known["seconds"] = time.monotonic() - began
    if not isinstance(outcome, Answered):
        return Truth(**known, answer=Answer.SILENT, why=_reason(outcome))
    return Truth(**known, **_said_by_gateway(attempt, outcome.data))


def _said_by_gateway(attempt: Attempt, status: Status) -> dict[str, Any]:
    # A code that we do not know is shown as it is, and is a matter for a person.
    means = status.state or AttemptState.MISMATCH
    absent = means == AttemptState.NOT_STARTED
    return {
        "answer": Answer.ABSENT if absent else Answer.SAID,
        "said": status.code,
        "means": str(means),
        "amount": status.amount,
        "refunded": status.refunded,
        "differs": attempt_differs(attempt.state, str(means), is_known=status.amount is not None),
    }


def attempt_differs(ours: str, theirs: str, *, is_known: bool = True) -> bool:
    """Whether a gateway's word and ours cannot both be right. All ways of not being paid are one.

    `is_known` is False where the gateway knows no sum: Midtrans says "open" of a page on which
    nobody has picked a method, whether or not we closed it (its status 404, see clients.codes).
    """
    if ours == theirs or (ours in _NOTHING_PAID and theirs in _NOTHING_PAID):
        return False
    if ours in _NOTHING_PAID and theirs == AttemptState.OPEN and not is_known:
        return False
    # We know that a person has to look; whatever the gateway says is no news.
    return ours != AttemptState.MISMATCH


# Partners.

_BOOKED = (StepState.DONE,)
_NOT_BOOKED = (StepState.PENDING, StepState.FAILED, StepState.UNDONE, StepState.SKIPPED)
_ENDED = "completed"


def _ask_partner(order: Order, step: Step, until: float) -> Truth:
    known: dict[str, Any] = {"who": step.partner, "machine": "step", "about": step.partner_reference or step.key}
    known |= {"ours": step.state, "asked_at": timezone.now()}
    if step.item is None or order.origin == Order.Origin.IMPORT or step.partner == BY_HAND:
        return Truth(**known, answer=Answer.NOT_ASKED)
    began = time.monotonic()
    outcome = booking_partner(step.item.service).ask_booking(step.key, deadline=_left(until))
    known["seconds"] = time.monotonic() - began
    if not isinstance(outcome, Answered):
        return Truth(**known, answer=Answer.SILENT, why=_reason(outcome))
    return Truth(**known, **_said_by_partner(order, step, outcome.data))


def _said_by_partner(order: Order, step: Step, booking: Booking | None) -> dict[str, Any]:
    if booking is None:
        return {"answer": Answer.ABSENT, "differs": step.state in _BOOKED}
    driver = " · ".join(each for each in (booking.vehicle, booking.driver) if each)
    return {
        "answer": Answer.SAID,
        "said": booking.state,
        "means": str(StepState.DONE if booking.holds else StepState.UNDONE),
        "differs": booking_differs(step.state, booking, order_state=order.state),
        "why": driver,
    }


def booking_differs(ours: str, booking: Booking, *, order_state: str) -> bool:
    """Booked there and not here or the other way round, or a trip that ended without our knowing."""
    if ours in _NOT_BOOKED or ours == StepState.UNKNOWN:
        return booking.holds
    if ours in _BOOKED and not booking.holds:
        return order_state not in (OrderState.CANCELLED, OrderState.FAILED)
    return ours in _BOOKED and booking.state == _ENDED and order_state == OrderState.ACTIVE


# Head Office.


def _questions_to_ho(order: Order) -> list[Question]:
    """Each entry that is due. Before any is, whether HO has one nobody here knows of."""
    if order.origin == Order.Origin.IMPORT:
        return []
    postings = list(order.postings.order_by("pk"))
    if not postings:
        return [partial(_ask_ho, order.public_id, None)]
    return [partial(_ask_ho, posting.reference, posting) for posting in postings]


def _ask_ho(reference: str, posting: Posting | None, until: float) -> Truth:
    known: dict[str, Any] = {"who": "ho", "machine": "posting", "about": reference, "asked_at": timezone.now()}
    known |= {"ours": posting.state if posting else "", "currency": posting.currency if posting else ""}
    known["expected"] = posting.amount if posting else None
    began = time.monotonic()
    entries = []
    for name in (posting and posting.booked_as) or [reference]:
        outcome = ho.ask_entry(name, deadline=_left(until))
        if not isinstance(outcome, Answered):
            return Truth(**known, seconds=time.monotonic() - began, answer=Answer.SILENT, why=_reason(outcome))
        entries.append(outcome.data)
    known["seconds"] = time.monotonic() - began
    return Truth(**known, **_said_by_ho(posting, entries))


def _said_by_ho(posting: Posting | None, entries: Sequence[ho.Entry | None]) -> dict[str, Any]:
    """Of all entries together: one that was corrected may be several since."""
    recorded = posting is not None and posting.state == PostingState.RECORDED
    found = [entry for entry in entries if entry is not None]
    if len(found) < len(entries):
        return {"answer": Answer.ABSENT, "differs": recorded}
    amount = sum(entry.amount for entry in found)
    return {
        "answer": Answer.SAID,
        "said": ", ".join(entry.entry_id for entry in found),
        "means": str(PostingState.RECORDED),
        "amount": amount,
        "differs": not recorded or (posting is not None and amount != posting.amount),
    }


def _reason(outcome: Outcome[Any]) -> str:
    if isinstance(outcome, Answered):
        return ""
    if isinstance(outcome, Refused):
        return f"{outcome.code} {outcome.message}".strip()
    return outcome.reason
