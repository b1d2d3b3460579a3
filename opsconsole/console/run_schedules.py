"""When runs begin by themselves: one schedule on a page of its own."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.decision_words import told_events
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation.models import BookEvent, RunSchedule
from reconciliation.schedules import Schedule
from reconciliation.services.run_schedules import keep
from reconciliation.states import RunScope

DAYS: Final = [(str(number + 1), label) for number, label in WEEKDAYS.items()]
KINDS: Final = (("daily", gettext_lazy("Once a day, at")), ("every", gettext_lazy("Again and again, every")))


class ScheduleForm(forms.Form):
    """When, on which days, and what a run looks at."""

    scope = forms.ChoiceField(choices=[each for each in RunScope.choices if each[0] != RunScope.WINDOW])
    kind = forms.ChoiceField(choices=KINDS)
    at = forms.TimeField(required=False)
    minutes = forms.IntegerField(min_value=1, max_value=1440, required=False)
    days = forms.MultipleChoiceField(choices=DAYS, required=False)
    is_active = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=400, required=False, strip=True)
    version = forms.IntegerField(min_value=1)

    @property
    def given(self) -> dict[str, Any]:
        data = self.cleaned_data
        at, minutes = data.get("at"), data.get("minutes")
        rules = {"daily": f"daily:{at:%H:%M}" if at else "", "every": f"every:{minutes * 60}" if minutes else ""}
        return {
            "scope": data["scope"],
            "rule": rules[data["kind"]],
            "weekdays": "".join(sorted(data["days"])),
            "is_active": data["is_active"],
        }


@require_http_methods(["GET", "POST"])
@allowed("run_reconciliation")
def schedule(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """GET is the form of one schedule, or of a new one; POST saves it with a reason."""
    found = RunSchedule.objects.filter(pk=pk).first() if pk else RunSchedule(rule="daily:06:00", weekdays="1234567")
    if found is None:
        raise Http404
    form = ScheduleForm(request.POST or None, initial=_initial(found))
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            keep(
                found,
                form.given,
                expected=form.cleaned_data["version"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
            )
        except Refusal as refusal:
            problem = str(refusal)
        else:
            messages.success(request, _("The schedule is saved."))
            return redirect("book-runs")
    return _draw(request, found, form, problem)


def _draw(request: HttpRequest, found: RunSchedule, form: ScheduleForm, problem: str) -> HttpResponse:
    events = BookEvent.objects.filter(subject=f"schedule:{found.pk or 0}").order_by("-pk")[:20]
    context = {
        "section": "reconciliation",
        "place": "runs",
        "form": form,
        "found": found,
        "problem": problem,
        "days": DAYS,
        "chosen": form["days"].value() or [],
        "kinds": KINDS,
        "scopes": form.fields["scope"].choices,  # type: ignore[attr-defined]
        "events": told_events(events),
    }
    return render(request, "console/runs/schedule.html", context, status=422 if form.is_bound else 200)


def _initial(found: RunSchedule) -> dict[str, Any]:
    rule = Schedule.read(found.rule)
    return {
        "scope": found.scope,
        "kind": "every" if rule.every else "daily",
        "at": f"{rule.by:%H:%M}" if rule.by else "06:00",
        "minutes": int(rule.every.total_seconds() // 60) if rule.every else 60,
        "days": list(found.weekdays),
        "is_active": found.is_active,
        "version": found.version,
    }
