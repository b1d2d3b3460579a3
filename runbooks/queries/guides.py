"""Runs of runbooks, read for screens. Never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from runbooks.files import Book, Step
from runbooks.models import Guide, GuideEvent, GuideStep
from runbooks.states import GuideState, StepState

# From the beginning of a run, by severity (domain: incidents): looked at, told, worked around.
CLOCKS: Final[Mapping[str, Mapping[str, timedelta]]] = {
    "P0": {
        "triage": timedelta(minutes=2),
        "stakeholder": timedelta(minutes=5),
        "workaround": timedelta(minutes=10),
    },
    "P1": {
        "triage": timedelta(minutes=5),
        "stakeholder": timedelta(minutes=15),
        "workaround": timedelta(minutes=15),
    },
    "P2": {},
}


@dataclass(frozen=True, slots=True)
class Clock:
    """One response clock. `stopped_at` is when the step that stops it was done; None while it runs."""

    name: str
    due_at: datetime
    stopped_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        return (self.stopped_at or now) > self.due_at


def find_guide(runbook: str, code: str) -> Guide | None:
    return Guide.objects.filter(runbook=runbook, code=code).first()


def open_guides() -> Sequence[Guide]:
    """Runs that go on, the newest first."""
    return list(Guide.objects.filter(state=GuideState.OPEN).order_by("-id")[:20])


def guides_of(runbook: str, *, limit: int = 20) -> Sequence[Guide]:
    """Runs of one runbook, the newest first."""
    return list(Guide.objects.filter(runbook=runbook).order_by("-id")[:limit])


def last_runs() -> Mapping[str, datetime]:
    """When each runbook was last begun."""
    return dict(Guide.objects.values_list("runbook").annotate(last=Max("started_at")).order_by())


def steps_of(guide: Guide) -> Mapping[str, GuideStep]:
    """The steps that somebody has come to, by id."""
    rows = GuideStep.objects.filter(guide=guide).select_related("plan__run")
    return {row.step: row for row in rows}


def events_of(guide: Guide) -> Sequence[GuideEvent]:
    """What happened, the newest first."""
    return list(GuideEvent.objects.filter(guide=guide).order_by("-id")[:100])


def clocks_of(guide: Guide, book: Book, rows: Mapping[str, GuideStep]) -> Sequence[Clock]:
    """The response clocks of a run by its runbook's severity."""
    stops = {step.spec.clock: step for step in book.steps if step.spec.clock}
    return [
        Clock(name, guide.started_at + within, _stopped(stops[name], rows))
        for name, within in CLOCKS[book.front.severity].items()
        if name in stops
    ]


def _stopped(step: Step, rows: Mapping[str, GuideStep]) -> datetime | None:
    row = rows.get(step.id)
    return row.ended_at if row is not None and row.state in (StepState.DONE, StepState.PASSED) else None


def matching(books: Sequence[Book], text: str) -> list[Book]:
    """Books with every word somewhere in what they are about, in either language."""
    words = text.lower().split()
    return [book for book in books if all(word in _haystack(book) for word in words)]


def _haystack(book: Book) -> str:
    front = book.front
    about = (front.id, front.title, front.title_id, front.summary, front.summary_id, front.service, *front.when)
    return " ".join((*about, *front.triggers, *book.sections.values())).lower()
