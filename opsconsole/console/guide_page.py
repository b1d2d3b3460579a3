"""The run of a runbook: steps at the left, the current one open with live numbers, clocks, who did what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.action_links import form_of_step
from opsconsole.console.formats import money as shown_money
from opsconsole.console.guide_words import (
    AUDIENCES,
    CLOCKS,
    EVENTS,
    GUIDE_TONES,
    KINDS,
    STEP_TONES,
    ShownFigure,
    choices_of,
    figure_text,
    figures,
    step_title,
    title_of,
)
from opsconsole.console.guides import html
from opsconsole.console.live import answer
from opsconsole.console.plan_rights import may
from opsconsole.console.plan_words import label_of, state_of
from opsconsole.console.subject_words import counted
from opsconsole.console.tones import Tone
from orders.errors import Refusal
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks import reasons
from runbooks.files import Book, Step
from runbooks.models import Guide, GuideEvent, GuideStep, Incident
from runbooks.queries import guides as queries
from runbooks.queries import plans
from runbooks.registry import ACTIONS
from runbooks.services import guiding
from runbooks.services.manifest import manifest_of
from runbooks.states import GuideState, StepState

MOST_READ = 2000  # subjects of a preview on the page; the plan itself takes all
FRESH = 10  # seconds that a preview on the page stands


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    """One step at the left: where it stands, who did it, what was said."""

    step: Step
    number: int
    title: str
    kind: str | Promise
    label: str
    tone: Tone
    row: GuideStep | None
    by: str
    kept: Sequence[str]

    @property
    def is_current(self) -> bool:
        return self.row is not None and self.row.state == StepState.CURRENT


@require_GET
@allowed("view_runbooks")
def run(request: HttpRequest, name: str, code: str) -> HttpResponse:
    guide = queries.find_guide(name, code)
    if guide is None:
        raise Http404
    try:
        book = guiding.book_of(guide)
    except Refusal:
        raise Http404 from None
    return answer(request, "console/guide.html", "console/guide_live.html", _context(request, guide, book))


def _context(request: HttpRequest, guide: Guide, book: Book) -> dict[str, Any]:
    rows, events = queries.steps_of(guide), queries.events_of(guide)
    names = people([guide.started_by, guide.ended_by, *(each.actor for each in events)])
    steps = [_shown(number, step, rows, names) for number, step in enumerate(book.steps, start=1)]
    current = next((each for each in steps if each.is_current), None)
    now = timezone.now()
    return {
        "section": "runbooks",
        "guide": guide,
        "book": book,
        "title": title_of(book),
        "state": GuideState(guide.state).label,
        "tone": GUIDE_TONES[guide.state],
        "by": who(guide.started_by, names),
        "passed": (guide.ended_at or now) - guide.started_at,
        "steps": steps,
        "current": current,
        "incident": Incident.objects.filter(pk=guide.incident_id).first() if guide.incident_id else None,
        "hand_over": html(book.sections.get("Hand over", "")),
        "may_run": may(request.user, "run_runbook"),
        "clocks": [
            (CLOCKS[clock.name], clock, clock.is_late(now), abs(clock.due_at - (clock.stopped_at or now)))
            for clock in queries.clocks_of(guide, book, rows)
        ],
        "events": _events(events, steps, names),
        **(_open(request, guide, current) if current else {}),
    }


def _events(
    events: Iterable[GuideEvent], steps: Sequence[ShownStep], names: Mapping[str, str]
) -> list[tuple[str | Promise, GuideEvent, str, str]]:
    """What happened, its row, the title of its step, who did it."""
    titles = {each.step.id: each.title for each in steps}
    return [
        (EVENTS.get(each.verb, each.verb), each, titles.get(each.step, ""), who(each.actor, names)) for each in events
    ]


def _shown(number: int, step: Step, rows: Mapping[str, GuideStep], names: Mapping[str, str]) -> ShownStep:
    row = rows.get(step.id)
    return ShownStep(
        step=step,
        number=number,
        title=step_title(step),
        kind=KINDS[step.kind],
        label=str(StepState(row.state).label) if row else "",
        tone=STEP_TONES[row.state] if row else Tone.NEUTRAL,
        row=row,
        by=who(row.actor, names) if row and row.actor else "",
        kept=_kept(row) if row else [],
    )


def _kept(row: GuideStep) -> Sequence[str]:
    """The figures as they were when the step ended."""
    return [figure_text(each["value"], unit=each["unit"], money=each["money"]) for each in row.figures]


def _open(request: HttpRequest, guide: Guide, current: ShownStep) -> dict[str, Any]:
    """Everything about the step that is open."""
    step = current.step
    readings = guiding.readings_of(step, guide.params)
    shown: list[ShownFigure] = figures(readings)
    context: dict[str, Any] = {
        "prose": html(step.prose),
        "figures": shown,
        "is_good": all(reading.is_good is not False for reading in readings),
    }
    if step.kind == "act":
        context |= _act(request, guide, current)
    if step.kind == "decide":
        context["choices"] = choices_of(step)
    if step.kind == "message":
        context["audience"] = AUDIENCES[step.spec.audience]
        context["texts"] = [
            (language, guiding.text_of(step, guide, readings, language=language)) for language in ("id", "en")
        ]
    return context


def _act(request: HttpRequest, guide: Guide, current: ShownStep) -> dict[str, Any]:
    action = ACTIONS[current.step.spec.action]
    made = current.row.plan if current.row else None
    context: dict[str, Any] = {
        "action": action,
        "form": form_of_step(current.step),
        "may_act": may(request.user, action.right),
        "undo": _("It can be undone afterwards.") if action.undo else action.irreversible,
        "made": made,
    }
    if made is None:
        return {**context, **_preview(guide, current.step)}
    counts = plans.row_counts(made)
    run_ = getattr(made, "run", None)
    label, tone = state_of(made)
    return {
        **context,
        "made_label": label_of(made),
        "made_state": label,
        "made_tone": tone,
        "pace": plans.pace_of(run_, counts) if run_ else None,
    }


def _preview(guide: Guide, step: Step) -> dict[str, Any]:
    """What it would touch now, at most `FRESH` seconds old: two who look cost as much as one."""
    key = f"guide-preview:{guide.code}:{step.id}"
    found = cache.get(key)
    if found is None:
        manifest = manifest_of(step, guide.params, incident=guide.incident_id, most=MOST_READ)
        left_out = manifest.left_out
        found = (manifest.action.subject, manifest.eligible, dict(manifest.money), left_out, len(manifest.lines))
        cache.set(key, found, FRESH)
    subject, eligible, money, left_out, looked_at = found
    sums = " + ".join(shown_money(amount, currency=currency) for currency, amount in sorted(money.items()))
    return {
        "would": _would(subject, eligible, sums),
        "eligible": eligible,
        "left_out": [(count, reasons.about(why)) for why, count in sorted(left_out.items())],
        "is_more": looked_at >= MOST_READ,
    }


def _would(subject: str, eligible: int, sums: str) -> str:
    values = {"subjects": counted(subject, eligible), "sum": sums}
    if sums:
        return _("Would touch %(subjects)s, %(sum)s.") % values
    return _("Would touch %(subjects)s; no money moves.") % values
