"""The list of incidents, the alerts that belong to none, and opening one by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console import incident_words as words
from opsconsole.console.access import allowed
from opsconsole.console.action_links import form_of_alert
from opsconsole.console.live import answer
from opsconsole.console.staff import actor_of
from opsconsole.console.tones import Tone
from orders.errors import Refusal
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.catalogue import CATALOGUE
from runbooks.incident_states import LIVE, IncidentState, Severity
from runbooks.models import Incident, ResponseClock
from runbooks.queries import incidents as queries
from runbooks.services.incidents import opening

SECTION: Final = {"section": "incidents"}
TABS: Final[Mapping[str, Promise]] = {
    "live": gettext_lazy("Live"),
    "ended": gettext_lazy("Over"),
    "all": gettext_lazy("All"),
}
SPANS: Final = (30, 90, 365)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One incident of the list."""

    incident: Incident
    state: str | Promise
    tone: Tone
    headline: str
    commander: str
    alerts: int
    next_clock: ResponseClock | None
    next_label: str | Promise
    breached: int


@require_GET
@allowed("view_incidents")
def incidents(request: HttpRequest) -> HttpResponse:
    view = view_of(request)
    before = request.GET.get("before", "")
    page = queries.incidents(view, before=int(before) if before.isdecimal() and len(before) < 19 else None)
    shown, counts = page[: queries.PAGE], queries.view_counts()
    names = people(row.commander for row in shown)
    context = {
        **SECTION,
        "view": view,
        "before": before,
        "tabs": [(name, label, counts[name]) for name, label in TABS.items()],
        "lines": [_line(row, names) for row in shown],
        "total": counts[view],
        "next": shown[-1].pk if len(page) > queries.PAGE else None,
        "live_count": counts["live"],
        "loose": len(queries.loose_alerts()),
    }
    return answer(request, "console/incidents/list.html", "console/incidents/list_live.html", context)


def view_of(request: HttpRequest) -> str:
    """The tab that the address names."""
    view = request.GET.get("view", "live")
    return view if view in TABS else "live"


def _line(row: Any, names: Mapping[str, str]) -> Line:
    clocks = list(row.clocks.all())
    running = [clock for clock in clocks if clock.stopped_at is None] if row.state in LIVE else []
    return Line(
        incident=row,
        state=IncidentState(row.state).label,
        tone=words.TONES[row.state],
        headline=words.headline(row),
        commander=who(row.commander, names) if row.commander else "",
        alerts=row.alerts,
        next_clock=running[0] if running else None,
        next_label=words.CLOCKS[running[0].kind] if running else "",
        breached=sum(clock.breached_at is not None for clock in clocks),
    )


@require_GET
@allowed("view_incidents")
def alerts(request: HttpRequest) -> HttpResponse:
    """What fires and belongs to no incident, and what nobody could read."""
    rows = queries.loose_alerts()
    context = {
        **SECTION,
        "rows": [
            (row, words.service(row.alert.service), Severity(row.alert.severity).value, form_of_alert(row))
            for row in rows
        ],
        "strange": queries.quarantined(),
    }
    return answer(request, "console/incidents/alerts.html", "console/incidents/alerts_live.html", context)


@require_GET
@allowed("view_incidents")
def statistics(request: HttpRequest) -> HttpResponse:
    """How quickly incidents are taken and ended, and how often a clock is breached."""
    given = request.GET.get("days", "")
    days = int(given) if given in {str(each) for each in SPANS} else SPANS[1]
    context = {
        **SECTION,
        "days": days,
        "spans": SPANS,
        "rows": queries.record(since=timezone.now() - timedelta(days=days)),
    }
    return render(request, "console/incidents/statistics.html", context)


class OpenForm(forms.Form):
    title = forms.CharField(max_length=160, strip=True)
    service = forms.ChoiceField(choices=lambda: [(name, each.title) for name, each in CATALOGUE.items()])
    failure = forms.ChoiceField(choices=list(words.FAILURES.items()))
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int)
    reason = forms.CharField(max_length=400, strip=True)


@require_http_methods(["GET", "POST"])
@allowed("lead_incidents")
def new(request: HttpRequest) -> HttpResponse:
    form = OpenForm(request.POST or None, initial={"severity": request.GET.get("severity", 1)})
    if request.method == "POST" and form.is_valid():
        actor = actor_of(request)
        try:
            incident = opening.open_by_hand(**form.cleaned_data, actor=actor)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("It is open, its clocks run, and those on duty are paged."))
            return redirect(reverse("incident", args=[incident.code]))
    status = 422 if request.method == "POST" else 200
    return render(request, "console/incidents/new.html", {**SECTION, "form": form}, status=status)
