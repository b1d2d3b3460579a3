"""The library of runbooks, and one of them to read. Reads files: it answers with a read-only database too."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.action_links import form_of_step
from opsconsole.console.guide_words import (
    GUIDE_TONES,
    HEADINGS,
    KINDS,
    choices_of,
    matter_of,
    step_title,
    summary_of,
    title_of,
)
from opsconsole.console.tones import Tone
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.files import Book, Step, load, load_all
from runbooks.files.reading import SECTIONS
from runbooks.files.rendering import prose
from runbooks.models import Guide
from runbooks.queries import guides as queries
from runbooks.states import GuideState


@dataclass(frozen=True, kw_only=True)
class Line:
    """One runbook of the library."""

    book: Book
    title: str
    summary: str
    last: datetime | None

    @property
    def priority(self) -> int:
        return int(self.book.front.severity[1])


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """One run of a runbook."""

    guide: Guide
    title: str
    state: str
    tone: Tone
    by: str


@require_GET
@allowed("view_runbooks")
def library(request: HttpRequest) -> HttpResponse:
    text, books = request.GET.get("q", "").strip(), load_all()
    titles, last = {book.name: title_of(book) for book in books}, queries.last_runs()
    found = sorted(queries.matching(books, text), key=lambda book: (book.front.severity, title_of(book)))
    context = {
        "section": "runbooks",
        "q": text,
        "lines": [
            Line(book=book, title=titles[book.name], summary=summary_of(book), last=last.get(book.name))
            for book in found
        ],
        "runs": shown_runs(queries.open_guides(), titles),
        "total": len(books),
    }
    return render(request, "console/library.html", context)


@require_GET
@allowed("view_runbooks")
def book(request: HttpRequest, name: str) -> HttpResponse:
    found = load(name)
    if found is None:
        raise Http404
    context = {
        "section": "runbooks",
        "book": found,
        "incident": request.GET.get("incident", ""),
        "title": title_of(found),
        "summary": summary_of(found),
        "priority": int(found.front.severity[1]),
        "chapters": [(heading, HEADINGS[heading], html(found.sections.get(heading, ""))) for heading in SECTIONS],
        "steps": [
            (step, *_told(step), matter_of(step), _ways(step, found), form_of_step(step)) for step in found.steps
        ],
        "runs": shown_runs(queries.guides_of(name), {name: title_of(found)}),
    }
    return render(request, "console/book.html", context)


def _told(step: Step) -> tuple[str, Promise, Any]:
    return step_title(step), KINDS[step.kind], html(step.prose)


def _ways(step: Step, of: Book) -> list[tuple[str, str, str]]:
    """(step to go on with, label, that step's title) of a decision; its end has no title."""
    titles = {each.id: step_title(each) for each in of.steps}
    return [(target, label, titles.get(target, "")) for target, label in choices_of(step)]


def html(text: str) -> Any:
    """Prose of a file as HTML; raw HTML in it is escaped by the renderer."""
    return mark_safe(prose(text))  # noqa: S308 - CommonMark with raw HTML off


def shown_runs(found: Any, titles: dict[str, str]) -> list[ShownRun]:
    names = people(guide.started_by for guide in found)
    return [
        ShownRun(
            guide=guide,
            title=titles.get(guide.runbook, guide.runbook),
            state=str(GuideState(guide.state).label),
            tone=GUIDE_TONES[guide.state],
            by=who(guide.started_by, names),
        )
        for guide in found
    ]
