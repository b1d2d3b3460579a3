"""One incident: its clocks, who leads, whom it affects, what happened, and what may be done now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from opsconsole.console import incident_words as words
from opsconsole.console.access import allowed
from opsconsole.console.action_links import form_of_alert
from opsconsole.console.guide_words import title_named
from opsconsole.console.incident_choices import choices
from opsconsole.console.live import answer, fresh
from opsconsole.console.tones import Tone
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.catalogue import CATALOGUE
from runbooks.correlation import by_hand
from runbooks.files import load_all
from runbooks.incident_states import LIVE, AlertState, IncidentState, PageState
from runbooks.models import Incident, ResponseClock
from runbooks.queries import incidents as queries
from runbooks.queries import proof
from runbooks.services.incidents.messages import TEMPLATES

HANGING: Final = 20  # orders shown; the rest is a number


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One response clock as it is drawn. `left` is negative once it is late; `share` is how much of it is used."""

    clock: ResponseClock
    label: str | Promise
    tone: Tone
    left: timedelta | None
    took: timedelta | None
    share: float
    by_hand: bool
    stopped_by: str

    @property
    def is_late(self) -> bool:
        return self.left is not None and self.left < timedelta(0)

    @property
    def over(self) -> timedelta:
        return -(self.left or timedelta(0))


def found_or_404(code: str) -> Incident:
    incident = queries.find_incident(code)
    if incident is None:
        raise Http404
    return incident


@require_GET
@allowed("view_incidents")
def incident(request: HttpRequest, code: str) -> HttpResponse:
    found = found_or_404(code)
    context = {**_head(request, found), **_clocks(found), **_alerts(found), **_affected(found), **_story(found)}
    return answer(request, "console/incidents/incident.html", "console/incidents/incident_live.html", context)


@require_GET
@allowed("view_incidents")
def clocks(request: HttpRequest, code: str) -> HttpResponse:
    """The clocks alone, asked for every second by whoever looks."""
    context = _clocks(found_or_404(code))
    return fresh(request, render(request, "console/incidents/clocks.html", context))


def _head(request: HttpRequest, found: Incident) -> dict[str, Any]:
    names = people([found.commander, found.opened_by])
    is_live = found.state in LIVE
    return {
        "section": "incidents",
        "incident": found,
        "is_live": is_live,
        "state": IncidentState(found.state).label,
        "tone": words.TONES[found.state],
        "headline": words.headline(found),
        "service": CATALOGUE.get(found.service),
        "runbook": (name := _runbook(found)),
        "runbook_title": title_named(name),
        "commander": who(found.commander, names) if found.commander else "",
        "opened_by": who(found.opened_by, names),
        "obstacles": proof.obstacles(found) if is_live else [],
        "choices": choices(found, request.user),
        "update_late": bool(found.update_due_at and found.update_due_at < timezone.now()),
    }


def _runbook(found: Incident) -> str:
    """The one that names its worst alert among those that open it, else the next; the one of its service; "" for
    none."""
    triggers = {alert: book.name for book in reversed(load_all()) for alert in book.front.triggers}
    opened = next((triggers[alert] for alert in queries.alert_names(found) if alert in triggers), "")
    service = CATALOGUE.get(found.service)
    return opened or (service.runbook if service else "")


def _clocks(found: Incident) -> dict[str, Any]:
    rows = queries.clocks_of(found)
    names, now = people(row.stopped_by for row in rows), timezone.now()
    return {
        "incident": found,
        "is_live": found.state in LIVE,
        "clocks": [_clock(row, now, names) for row in rows],
    }


def _clock(row: ResponseClock, now: datetime, names: Mapping[str, str]) -> Clock:
    end = row.stopped_at or now
    return Clock(
        clock=row,
        label=words.CLOCKS[row.kind],
        tone=_clock_tone(row, now),
        left=row.due_at - now if row.stopped_at is None else None,
        took=row.stopped_at - row.started_at if row.stopped_at else None,
        share=(end - row.started_at) / (row.due_at - row.started_at),
        by_hand=by_hand(row.kind),
        stopped_by=who(row.stopped_by, names) if row.stopped_by else "",
    )


def _clock_tone(row: ResponseClock, now: datetime) -> Tone:
    if row.breached_at or (row.stopped_at is None and row.due_at < now):
        return Tone.FAILED
    if row.stopped_at:
        return Tone.DONE
    return Tone.ATTENTION if row.due_at - now < (row.due_at - row.started_at) / 3 else Tone.ACTIVE


def _alerts(found: Incident) -> dict[str, Any]:
    rows = queries.episodes_of(found)
    return {
        "episodes": [
            (
                row,
                words.service(row.alert.service),
                AlertState(row.state).label,
                words.ALERT_TONES[row.state],
                words.why_joined(row.joined, row.joined_values),
                form_of_alert(row),
            )
            for row in rows
        ]
    }


def _affected(found: Incident) -> dict[str, Any]:
    cohort = queries.cohort_of(found)
    return {
        "cohort": cohort,
        "money": [(amount, currency) for currency, amount in sorted(cohort.money.items())],
        "hanging_money": [(amount, currency) for currency, amount in sorted(cohort.hanging_money.items())],
        "curve": [sample.pinned - sample.hanging for sample in cohort.curve],
        "hanging": cohort.hanging[:HANGING],
        "plans": list(found.plans.select_related("plan").order_by("-id")),
    }


def _story(found: Incident) -> dict[str, Any]:
    lines, pages = queries.story(found), queries.pages_of(found)
    told = list(found.messages.order_by("-id")[:10])
    actors = [line.actor for line in lines] + [str(line.detail.get("now", "")) for line in lines]
    names = people([*actors, *(row.sent_by for row in told)])
    return {
        "lines": [
            (line, words.sentence(line.kind, line.detail, names), words.tone_of(line.kind), who(line.actor, names))
            for line in lines
        ],
        "pages": [
            (
                row,
                row.get_channel_display(),
                words.PURPOSES.get(row.purpose, row.purpose),
                PageState(row.state).label,
                words.PAGE_TONES[row.state],
            )
            for row in pages
        ],
        "letters": [(row, TEMPLATES[row.template][0], who(row.sent_by, names)) for row in told],
    }
