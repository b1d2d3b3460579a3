"""Bridges of business days in the words and tones of a screen."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.console.book_shown import source_name
from opsconsole.console.tones import Tone
from reconciliation.day_states import UNNAMED, Book, DayState, Step
from reconciliation.models import Day
from reconciliation.states import BreakType

DAY_TONES: Final[Mapping[str, Tone]] = {
    DayState.OPEN: Tone.ACTIVE,
    DayState.SIGNED: Tone.WAITING,
    DayState.LOCKED: Tone.DONE,
    DayState.REOPEN_ASKED: Tone.ATTENTION,
}
TOTALS: Final[Mapping[str, Promise]] = {
    Book.GATEWAY: _("The gateways' total"),
    Book.OURS: _("Our ledger"),
    Book.HO: _("Head Office's total"),
}
# What a step means, where its name does not say it.
MEANINGS: Final[Mapping[str, Promise]] = {
    Step.FEES_KEPT: _("The gateway pays out net; our ledger and Head Office book gross."),
    Step.NO_REPORT: _("We have no feed of this gateway's reports, so its book is empty."),
    Step.TRANSFERRED: _("Left our own bank account instead of the gateway's: no report of a gateway has it."),
    Step.IN_TRANSIT: _("The same money, on another business day in the other book."),
    Step.CARRIED: _("Came after its own day was closed, and counts here."),
    Step.OTHER_GATEWAY: _("One entry for money that came by two gateways."),
    Step.COVERAGE: _("The other book does not reach that far yet."),
    Step.ORDER_OPEN: _("Head Office is told when the order is finished."),
    Step.ROUNDING: _("Differences the rules of matching let pass."),
    Step.KNOWN: _("Differences that the rules name, and two people let pass."),
    Step.RESOLVED: _("Written off, or accepted as it is; the break says by whom."),
    Step.NOT_COMPARED: _("Came after the last run. Compare the books."),
    Step.UNEXPLAINED: _("No rule and no break accounts for it."),
}
# In which order steps are read; what is a break comes between, by its type.
_FIRST: Final = (Step.FEES_KEPT, Step.NO_REPORT, Step.TRANSFERRED, Step.IN_TRANSIT, Step.CARRIED, Step.OTHER_GATEWAY)
_LAST: Final = (Step.ROUNDING, Step.KNOWN, Step.BY_HAND, Step.RESOLVED, *UNNAMED)
ORDER: Final = (
    *(Step.GROSS, Step.REFUNDS, Step.REVERSALS, Step.FEES),
    *_FIRST,
    *(Step.COVERAGE, Step.ORDER_OPEN),
    *BreakType.values,
    *_LAST,
)


def step_label(step: str) -> str | Promise:
    return BreakType(step).label if step in BreakType.values else Step(step).label


def step_tone(step: str) -> Tone:
    """Whose move a step is: of a break a person's, of what is expected theirs, of what is named nobody's."""
    if step in UNNAMED:
        return Tone.FAILED
    if step in BreakType.values:
        return Tone.ATTENTION
    return Tone.WAITING if step in (Step.COVERAGE, Step.ORDER_OPEN, Step.IN_TRANSIT, Step.CARRIED) else Tone.NEUTRAL


def gateway_name(gateway: str) -> str | Promise:
    """'' stands for entries of Head Office that no payment of ours belongs to."""
    return source_name(gateway) if gateway else _("no gateway")


def day_pill(day: Day | None) -> tuple[str | Promise, Tone]:
    state = day.state if day else DayState.OPEN
    return DayState(state).label, DAY_TONES[state]
