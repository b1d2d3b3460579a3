"""Words, tones and figures of runbooks and their runs, in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from opsconsole.console.formats import duration
from opsconsole.console.formats import money as shown_money
from opsconsole.console.tones import Tone
from runbooks.diagnoses import DIAGNOSES
from runbooks.files import Book, Step, load
from runbooks.queries.figures import Reading
from runbooks.registry import find
from runbooks.selections import SELECTIONS
from runbooks.states import GuideState, StepState

GUIDE_TONES: Final[Mapping[str, Tone]] = {
    GuideState.OPEN: Tone.ACTIVE,
    GuideState.FINISHED: Tone.DONE,
    GuideState.ABANDONED: Tone.NEUTRAL,
}
STEP_TONES: Final[Mapping[str, Tone]] = {
    StepState.CURRENT: Tone.ACTIVE,
    StepState.DONE: Tone.DONE,
    StepState.SKIPPED: Tone.ATTENTION,
    StepState.PASSED: Tone.NEUTRAL,
}
_HOUR: Final = 60  # minutes: from here on they are read as days and hours
UNITS: Final[Mapping[str, Promise]] = {"min": pgettext_lazy("unit", "min"), "s": pgettext_lazy("unit", "s")}
KINDS: Final[Mapping[str, Promise]] = {
    "check": _("Look and say"),
    "diagnose": _("Figures"),
    "act": _("Act"),
    "decide": _("Decide"),
    "message": _("Tell"),
    "wait": _("Wait"),
}
HEADINGS: Final[Mapping[str, Promise]] = {
    "Meaning": _("Meaning"),
    "Impact": _("Impact"),
    "Do not": _("Do not"),
    "Hand over": _("To hand over"),
}
EVENTS: Final[Mapping[str, Promise]] = {
    "begin": _("Begun"),
    "done": _("Done"),
    "skip": _("Left out"),
    "plan": _("Planned"),
    "finish": _("Finished"),
    "abandon": _("Abandoned"),
}
CLOCKS: Final[Mapping[str, Promise]] = {
    "triage": _("Looked at"),
    "stakeholder": _("Stakeholders told"),
    "workaround": _("Workaround or rollback"),
}
AUDIENCES: Final[Mapping[str, Promise]] = {
    "stakeholders": _("stakeholders"),
    "customers": _("customers"),
    "team": _("the team"),
}


@dataclass(frozen=True, kw_only=True)
class ShownFigure:
    """A figure as it is drawn. `tone` says whether it is as wanted."""

    label: str | Promise
    text: str
    wanted: str
    tone: Tone


def is_indonesian() -> bool:
    return (get_language() or "").startswith("id")


def title_of(book: Book) -> str:
    return book.front.title_id if is_indonesian() else book.front.title


def title_named(name: str) -> str:
    """Of the runbook of this name; the name where there is none."""
    book = load(name)
    return title_of(book) if book else name


def summary_of(book: Book) -> str:
    return book.front.summary_id if is_indonesian() else book.front.summary


def step_title(step: Step) -> str:
    return str(step.spec.title_id) if is_indonesian() else step.title


def choices_of(step: Step) -> list[tuple[str, str]]:
    """(step to go on with, label) of a decision; none for another step."""
    ways = step.spec.choices if step.kind == "decide" else ()
    return [(way.to, way.label_id if is_indonesian() else way.label) for way in ways]


def matter_of(step: Step) -> str:
    """What a step is about: what is done to which subjects, or which figures it shows; '' for another step."""
    if step.kind == "act":
        action = find(step.spec.action)
        done = action.label if action else step.spec.action
        return f"{done} · {SELECTIONS[step.spec.select].label}"
    shown = step.spec.show if step.kind in ("diagnose", "wait") else ""
    return str(DIAGNOSES[shown].label) if shown else ""


def figures(readings: Sequence[Reading]) -> list[ShownFigure]:
    return [
        ShownFigure(
            label=each.figure.label,
            text=figure_text(each.figure.value, unit=each.figure.unit, money=each.figure.money),
            wanted=_with_unit(each.wanted, each.figure.unit) if each.wanted else "",
            tone={None: Tone.NEUTRAL, True: Tone.DONE, False: Tone.ATTENTION}[each.is_good],
        )
        for each in readings
    ]


def figure_text(value: float | None, *, unit: str = "", money: str = "") -> str:
    """`12 min`, `5d 10h`, `Rp 83.200.000`; a dash where nobody knows."""
    if value is None:
        return "–"
    if money:
        return shown_money(int(value), currency=money)
    if unit == "min" and value >= _HOUR:
        return duration(timedelta(minutes=value))
    text = number_format(value, decimal_pos=0 if float(value).is_integer() else 1, force_grouping=True)
    return _with_unit(text, unit)


def _with_unit(text: str, unit: str) -> str:
    return f"{text}%" if unit == "%" else f"{text} {UNITS.get(unit, unit)}".strip()
