"""Runs in the words and figures of a screen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from opsconsole.console import run_words
from opsconsole.console.book_shown import told_actor
from opsconsole.console.book_tones import RUN_TONES
from opsconsole.console.rule_words import told_field
from opsconsole.console.tones import Tone
from orders.queries.order_page import people
from reconciliation.models import Rules, Run
from reconciliation.queries.runs import Between, Book, Told, steps_to_expect
from reconciliation.services.rules import FIELDS
from reconciliation.states import BreakType, Outcome, Pairing, RunScope, RunState, Side

Money = list[tuple[int, str]]


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run of a list."""

    run: Run
    scope: str
    state: str
    tone: Tone
    who: str
    took: timedelta | None


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """How far a run is: its phases, the share of them that is done (None where nobody can say), its time so far."""

    phases: Sequence[tuple[str, str, int, float]]
    expected: int
    share: float | None
    elapsed: timedelta
    is_going: bool


def run_rows(runs: Iterable[Run]) -> list[RunRow]:
    runs = list(runs)
    known = people(run.actor for run in runs)
    return [_row(run, known) for run in runs]


def run_row(run: Run) -> RunRow:
    return _row(run, people([run.actor]))


def _row(run: Run, known: dict[str, str]) -> RunRow:
    return RunRow(
        run=run,
        scope=_scope(run),
        state=str(RunState(run.state).label),
        tone=RUN_TONES[run.state],
        who=told_actor(run.actor, known),
        took=run.ended_at - run.started_at if run.ended_at else None,
    )


def _scope(run: Run) -> str:
    label = str(RunScope(run.scope).label)
    if run.window_from and run.window_to:
        days = f"{run.window_from:%Y-%m-%d} – {run.window_to:%Y-%m-%d}"
        return f"{label}: {days if run.window_from != run.window_to else days[:10]}"
    return label


def shown_run(run: Run) -> ShownRun:
    is_going = run.state in (RunState.WAITING, RunState.RUNNING)
    expected = steps_to_expect(run) if is_going else len(run.phases)
    until = run.ended_at or timezone.now()
    return ShownRun(
        phases=[(*run_words.phase(name), rows, seconds) for name, rows, seconds in run.phases],
        expected=expected,
        share=min(len(run.phases) / expected, 1.0) if expected else None,
        elapsed=until - run.started_at,
        is_going=is_going,
    )


def book_rows(books: Iterable[Book]) -> list[dict[str, Any]]:
    """One block a book: a column each for the four outcomes, their sum, and the rules behind them."""
    return [
        {
            "pairing": str(Pairing(book.pairing).label),
            "side": str(Side(book.side).label),
            "currency": book.currency,
            "lines": book.lines,
            "amount": book.amount,
            "outcomes": [(str(Outcome(name).label), *sums) for name, sums in book.outcomes.items()],
            "parts": [
                (str(Outcome(part.outcome).label), run_words.why(part.outcome, part.why), part.lines, int(part.amount))
                for part in book.parts
            ],
        }
        for book in books
    ]


def told_rows(told: Iterable[tuple[Any, Told]]) -> list[dict[str, Any]]:
    """Breaks by what happened to them; kinds to which nothing belongs are left out."""
    return [
        {"label": str(label), "count": each.count, "groups": _groups(each), "breaks": each.breaks}
        for label, each in told
        if each.count
    ]


def _groups(told: Told) -> list[tuple[str, int, int, str]]:
    return [
        (str(BreakType(group["type"]).label), group["count"], int(group["money"]), group["currency"])
        for group in told.groups
    ]


def between_rows(earlier: Run, later: Run, between: Between) -> dict[str, Any]:
    """The context of the page that compares two runs."""
    kinds = (
        (_("New"), between.found),
        (_("Healed"), between.healed),
        (_("Changed"), between.changed),
        (_("Came back"), between.reopened),
    )
    return {
        "rows": [run_row(earlier), run_row(later)],
        "loads": between.loads,
        "is_comparable": _looks_alike(earlier, later),
        "rules": _rules(earlier.rules, later.rules),
        "differences": [
            {
                "pairing": str(Pairing(row.pairing).label),
                "side": str(Side(row.side).label),
                "outcome": str(Outcome(row.outcome).label),
                "why": run_words.why(row.outcome, row.why),
                "row": row,
            }
            for row in between.totals
        ],
        "told": told_rows(kinds),
        "reasons": {pk: str(run_words.REASONS[why]) for pk, why in between.reasons.items()},
    }


def _looks_alike(one: Run, other: Run) -> bool:
    """Whether both looked at the same lines, so that a difference of their totals says something."""
    windows = (one.window_from, one.window_to), (other.window_from, other.window_to)
    return one.scope == other.scope != RunScope.CHANGES and windows[0] == windows[1]


def _rules(before: Rules | None, after: Rules | None) -> list[tuple[str, str, str]]:
    """Fields of the rules that differ, with both values, in words."""
    if before is None or after is None or before.pk == after.pk:
        return []
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in FIELDS)
    return [_changed(name, old, new) for name, old, new in pairs if old != new]


def _changed(name: str, old: Any, new: Any) -> tuple[str, str, str]:
    label, before = told_field(name, old)
    return label, "; ".join(before) or "–", "; ".join(told_field(name, new)[1]) or "–"


def effect_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What other rules would change, kind by kind, none left out: nothing is an answer too."""
    labels = (
        ("settled", _("Would be no break any more")),
        ("new", _("Would become a break")),
        ("other", _("Would become another kind of break")),
    )
    return [
        {
            "label": label,
            "count": summary[name]["count"],
            "money": [(amount, currency) for currency, amount in sorted(summary[name]["money"].items())],
            "examples": [
                {**each, "type": str(BreakType(each["type"]).label), "pairing": str(Pairing(each["pairing"]).label)}
                for each in summary[name]["examples"]
            ],
        }
        for name, label in labels
    ]
