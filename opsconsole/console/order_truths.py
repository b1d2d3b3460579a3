"""The three-truth panel: what we say beside what gateways, partners and Head Office say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from opsconsole.console import formats
from opsconsole.console.tones import Tone, label_of
from orders import names
from orders.models import Attempt, Order, Posting, Step
from orders.queries.order_page import OrderRows
from orders.queries.phrases import retold
from orders.services.truths import Answer, Truth
from orders.states import AttemptState, StepState

GATEWAYS: Final = "attempt"
_ASKABLE: Final = (AttemptState.OPEN, AttemptState.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class TruthRow:
    """One thing that two sides speak of. `said` is their own word, a code; `means` its state in our
    machine; `note` explains in words. `tone` is '' where both agree or nobody was asked."""

    who: str
    about: str
    machine: str
    ours: str
    said: str = ""
    means: str = ""
    note: str = ""
    amount: int | None = None
    currency: str = "IDR"
    at: datetime | None = None
    tone: str = ""
    is_live: bool = False


@dataclass(frozen=True, kw_only=True)
class Truths:
    """`headline` says in one sentence what the comparison comes to; '' before anybody was asked."""

    rows: Sequence[TruthRow]
    tone: Tone = Tone.NEUTRAL
    headline: str = ""
    asked_at: datetime | None = None

    @property
    def gateways(self) -> list[TruthRow]:
        return [row for row in self.rows if row.machine == GATEWAYS]

    @property
    def others(self) -> list[TruthRow]:
        return [row for row in self.rows if row.machine != GATEWAYS]


def known_truths(rows: OrderRows) -> Truths:
    """Before anybody is asked: what they said the last time."""
    told = [
        *(_known_attempt(attempt) for attempt in rows.attempts),
        *(_known_step(step) for step in rows.steps if step.item_id),
        *(_known_posting(posting) for posting in rows.postings),
    ]
    return Truths(rows=told)


def asked_truths(rows: OrderRows, said: Sequence[Truth]) -> Truths:
    """What they say now. Where it does not fit, the first contradiction is the headline."""
    numbers = {attempt.reference: attempt.number for attempt in rows.attempts}
    told = [_asked(truth, number=numbers.get(truth.about)) for truth in said]
    tone, headline = _headline(rows.order, said)
    at = max((truth.asked_at for truth in said), default=None)
    return Truths(rows=told, tone=tone, headline=headline, asked_at=at)


def _known_attempt(attempt: Attempt) -> TruthRow:
    told = retold(attempt.answer)
    notes = [
        told.text if told.is_known else "",
        "" if attempt.asked_at or attempt.state not in _ASKABLE else _("never asked"),
    ]
    return TruthRow(
        who=names.system(attempt.gateway),
        about=_("attempt %(number)s") % {"number": attempt.number},
        machine="attempt",
        ours=attempt.state,
        said="" if told.is_known else attempt.answer,
        note=", ".join(note for note in notes if note),
        at=attempt.asked_at,
    )


def _known_step(step: Step) -> TruthRow:
    return TruthRow(
        who=names.system(step.partner),
        about=_("item %(number)s") % {"number": step.number},
        machine="step",
        ours=step.state,
        said=step.partner_reference or step.answer if step.state != StepState.PENDING else "",
        at=step.sent_at,
    )


def _known_posting(posting: Posting) -> TruthRow:
    return TruthRow(
        who=names.system("ho"),
        about=posting.reference,
        machine="posting",
        ours=posting.state,
        said=posting.ho_reference,
        note="" if posting.asked_at or posting.ho_reference else _("never asked"),
        at=posting.asked_at,
    )


def _asked(truth: Truth, *, number: int | None) -> TruthRow:
    about = _("attempt %(number)s") % {"number": number} if number else truth.about
    return TruthRow(
        who=names.system(truth.who),
        about=about,
        machine=truth.machine,
        ours=truth.ours,
        said=truth.said,
        means=truth.means,
        note=_note(truth),
        amount=truth.amount,
        currency=truth.currency or "IDR",
        at=truth.asked_at,
        tone=_tone(truth),
        is_live=truth.answer in (Answer.SAID, Answer.ABSENT),
    )


def _tone(truth: Truth) -> str:
    if truth.answer == Answer.SILENT:
        return Tone.FAILED
    if truth.differs or truth.amount_differs:
        return Tone.ATTENTION
    return Tone.DONE if truth.answer == Answer.SAID else ""


def _note(truth: Truth) -> str:
    if truth.answer == Answer.SILENT:
        return _("no answer: %(why)s") % {"why": truth.why}
    if truth.answer == Answer.NOT_ASKED:
        return _("nobody to ask")
    if truth.answer == Answer.ABSENT:
        return _("has never heard of it")
    if truth.amount_differs and truth.expected is not None:
        return _("we asked for %(sum)s") % {"sum": formats.money(truth.expected, currency=truth.currency or "IDR")}
    if truth.refunded:
        return _("%(sum)s of it given back") % {"sum": formats.money(truth.refunded, currency=truth.currency or "IDR")}
    return truth.why


def _headline(order: Order, said: Sequence[Truth]) -> tuple[Tone, str]:
    for truth in said:
        if truth.differs or truth.amount_differs:
            return Tone.ATTENTION, _contradiction(truth)
    silent = [names.system(truth.who) for truth in said if truth.answer == Answer.SILENT]
    if silent:
        who = ", ".join(dict.fromkeys(silent))
        return Tone.FAILED, _("Cannot know: %(who)s did not answer.") % {"who": who}
    if not any(truth.answer in (Answer.SAID, Answer.ABSENT) for truth in said):
        return Tone.NEUTRAL, _("There is nobody to ask about this order.")
    return Tone.DONE, _("Everybody says the same as we do.")


def _contradiction(truth: Truth) -> str:
    who = {"who": names.system(truth.who)}
    if truth.answer == Answer.ABSENT:
        return _("%(who)s has never heard of it, and we count on it.") % who
    if not truth.ours:
        return _("%(who)s has an entry that nobody here knows of.") % who
    if truth.differs and truth.machine == "step" and truth.said == "completed":
        return _("%(who)s says the trip is over, and we still wait for its end.") % who
    if truth.differs:
        states = {"theirs": label_of(truth.machine, truth.means), "ours": label_of(truth.machine, truth.ours)}
        return _("%(who)s says “%(theirs)s”, we say “%(ours)s”.") % {**who, **states}
    return _("%(who)s reports another sum than ours.") % who
