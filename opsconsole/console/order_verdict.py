"""The box at the top of an order: why it hangs and what to do, or whose move it is when it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console import formats
from opsconsole.console.tones import Tone, tone_of
from orders import names
from orders.diagnosis.causes import NEXT_STEPS, WORDS, NextStep
from orders.diagnosis.findings import Finding, Sentence
from orders.models import Order
from orders.queries.money import Money
from orders.queries.order_page import OrderRows
from orders.queries.phrases import retold, state_label
from orders.queries.stuck import StuckRow
from orders.states import DispatchState, OrderState, PostingState, RefundState, SagaState

S = OrderState
LANGUAGES: Final = ("id", "en")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`confidence` is 0-100 and None where nothing had to be guessed; `step` is the safe next step; `names` are the
    values that `to_say` has places for."""

    tone: Tone
    title: str
    text: str
    evidence: Sequence[str] = ()
    confidence: int | None = None
    step: NextStep | None = None
    to_say: Promise | str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def step_label(self) -> str:
        return str(NEXT_STEPS[self.step]) if self.step else ""

    @property
    def sureness(self) -> str:
        """Confidence in a word: people act on words, not on per cent."""
        if self.confidence is None:
            return ""
        words = ((90, _("certain")), (75, _("likely")), (50, _("possible")), (0, _("a guess")))
        return next(word for least, word in words if self.confidence >= least)

    def in_languages(self) -> list[tuple[str, str]]:
        """(language, sentence to tell the customer), Indonesian first: most customers speak it."""
        told = []
        for language in LANGUAGES:
            with translation.override(language):
                told.append((language, str(self.to_say) % self.names if self.names else str(self.to_say)))
        return told


def verdict_of(rows: OrderRows, money: Money, row: StuckRow | None, finding: Finding | None) -> Verdict:
    """What hangs goes before what merely waits."""
    if row is None or finding is None:
        return _calm(rows, money)
    words = WORDS[finding.cause]
    tone = tone_of(row.machine, row.state, is_late=True)
    return Verdict(
        # Late is never well: a state that is done where it belongs is a person's move where it hangs.
        tone=tone if tone in (Tone.ATTENTION, Tone.FAILED) else Tone.ATTENTION,
        title=str(words.title),
        text=str(words.explanation),
        evidence=[str(_named(sentence)) for sentence in finding.evidence],
        confidence=finding.confidence,
        step=finding.next_step,
        to_say=words.customer,
    )


def _named(sentence: Sentence) -> Sentence:
    """Evidence carries short names, so that it can be kept; people read names, states and answers."""
    return replace(sentence, values={name: _shown(name, value) for name, value in sentence.values.items()})


def _shown(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in {"gateway", "partner", "source"}:
        return names.system(value)
    if name == "state":
        return state_label(value) or value
    if name == "person":
        return value.removeprefix("user:")
    return retold(value).text if name in {"answer", "error", "failure", "verdict"} else value


def _calm(rows: OrderRows, money: Money) -> Verdict:
    order = rows.order
    title, text = _whose_move(rows, money)
    tone = Tone.DONE if order.state == S.COMPLETED and _is_at_ho(rows) else tone_of("order", order.state)
    verdict = Verdict(tone=tone, title=title, text=text, to_say=_TO_SAY.get(order.state, ""))
    return replace(verdict, to_say=_TRANSFERRED, names=told) if (told := _transfer(rows)) else verdict


def _transfer(rows: OrderRows) -> dict[str, str]:
    """The money that a person has sent to the customer's bank account, for whoever is asked where it is."""
    sent = [each for each in rows.refunds if each.bank_reference and each.state == RefundState.SUCCEEDED]
    if not sent or rows.order.state not in (*_CLOSED, S.COMPLETED):
        return {}
    sum_ = formats.money(sum(each.amount for each in sent), currency=rows.order.currency)
    return {"sum": sum_, "references": ", ".join(each.bank_reference for each in sent)}


def _whose_move(rows: OrderRows, money: Money) -> tuple[str, str]:
    order = rows.order
    if order.state == S.AWAITING_PAYMENT:
        until = formats.wib(order.expires_at) if order.expires_at else "–"
        text = _("The customer has a payment link and can pay until %(until)s.") % {"until": until}
        return _("The customer's move"), text
    if order.state == S.QUEUED_FOR_DISPATCH:
        return _("Waiting for dispatch"), _next_dispatch(rows)
    if order.state == S.PAID and (begins := _held_until(rows)):
        text = _("The bank may still take this money back: it is booked at %(until)s, or now by “Retry booking”.")
        return _("Paid, the booking waits"), text % {"until": formats.wib(begins)}
    if order.state == S.COMPLETED:
        return _completed(rows)
    if order.state in _CLOSED:
        return _closed(order, money)
    moving_title, moving_text = _MOVING[order.state]
    return str(moving_title), str(moving_text)


def _next_dispatch(rows: OrderRows) -> str:
    waiting = [each for each in rows.dispatches if each.state == DispatchState.WAITING and each.due_at]
    if not waiting:
        return _("A person has taken it from the queue, or it is being tried right now.")
    at = formats.wib(min(each.due_at for each in waiting if each.due_at))
    return _("Dispatch could not be reached. It is tried again by itself at %(at)s.") % {"at": at}


def _held_until(rows: OrderRows) -> datetime | None:
    """When a booking that waits for the bank begins; None where it does not wait."""
    waits = [saga.due_at for saga in rows.sagas if saga.state == SagaState.RUNNING and saga.due_at]
    return next((at for at in waits if at > timezone.now()), None)


def _completed(rows: OrderRows) -> tuple[str, str]:
    if _is_at_ho(rows):
        return _("Finished"), _("The trip is over and Head Office has the payment. Nothing is left to do.")
    if not rows.postings:
        return _("Finished"), _("The trip is over. No money is held, so Head Office is owed no entry.")
    return _("Head Office is being told"), _("The trip is over. The payment is on its way to Head Office by itself.")


def _is_at_ho(rows: OrderRows) -> bool:
    return bool(rows.postings) and all(each.state == PostingState.RECORDED for each in rows.postings)


def _closed(order: Order, money: Money) -> tuple[str, str]:
    title = _("Closed: %(state)s") % {"state": order.state_label}
    if money.on_its_way > 0:
        sum_ = formats.money(money.on_its_way, currency=money.currency)
        return title, _("%(sum)s is on its way back to the customer.") % {"sum": sum_}
    if money.balance > 0:
        sum_ = formats.money(money.balance, currency=money.currency)
        return title, _("We still hold %(sum)s of the customer's money.") % {"sum": sum_}
    if money.charged > 0:
        return title, _("All that was paid has gone back to the customer.")
    return title, _("Nothing was paid, so nothing is owed.")


_CLOSED: Final = (S.CANCELLED, S.EXPIRED, S.FAILED, S.PAID_AFTER_CLOSE)

_TRANSFERRED: Final = gettext_lazy(
    "We have transferred %(sum)s to your bank account. The bank's reference is %(references)s."
)

_MOVING: Final[Mapping[str, tuple[Promise, Promise]]] = {
    S.CREATED: (
        gettext_lazy("The payment link is being made"),
        gettext_lazy("The gateways are asked by themselves, one after the other, until one makes a link."),
    ),
    S.PAID: (
        gettext_lazy("Paid, booking begins"),
        gettext_lazy("The money is here. A worker books with the partners within seconds."),
    ),
    S.BOOKING: (
        gettext_lazy("Booking with the partners"),
        gettext_lazy(
            "Every item is being booked. If one cannot be had, the others are undone and the money goes back."
        ),
    ),
    S.ACTIVE: (
        gettext_lazy("The trip is under way"),
        gettext_lazy("Everything is booked. The partner tells us when the trip ends."),
    ),
}

_TO_SAY: Final[Mapping[str, Promise]] = {
    S.CREATED: gettext_lazy("Your order is with us. The payment link follows in a moment."),
    S.AWAITING_PAYMENT: gettext_lazy(
        "Your order is waiting for your payment. Please use the payment link before it expires."
    ),
    S.PAID: gettext_lazy("Thank you, your payment has arrived. We are booking your trip now."),
    S.BOOKING: gettext_lazy("Thank you, your payment has arrived. We are booking your trip now."),
    S.QUEUED_FOR_DISPATCH: gettext_lazy("We are looking for a driver for you. Your payment is safe with us."),
    S.ACTIVE: gettext_lazy("Your trip is booked and paid. Have a good journey."),
    S.COMPLETED: gettext_lazy("Thank you for travelling with us. Your trip is complete and paid."),
    S.CANCELLED: gettext_lazy("Your order is cancelled. What you paid, if anything, goes back the way it came."),
    S.EXPIRED: gettext_lazy("Your order expired because no payment arrived. You are welcome to order again."),
    S.FAILED: gettext_lazy("We are sorry, your trip could not be booked. What you paid goes back the way it came."),
}
