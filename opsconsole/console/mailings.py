"""Reports by mail: one schedule with what it has sent, its form, and the buttons to send now and to pause."""

import uuid
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.decision_words import told_events
from opsconsole.console.live import answer
from opsconsole.console.mailing_shown import facts_of, sendings_of
from opsconsole.console.report_words import FILTER_LABELS, choices_of
from opsconsole.console.run_schedules import DAYS
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation.models import BookEvent, ReportFile, ReportSchedule
from reconciliation.queries.reports import REPORTS
from reconciliation.schedules import Schedule
from reconciliation.services import report_files, report_schedules
from reconciliation.services.report_mails import file_name
from reconciliation.states import FileFormat, FileState

SPANS: Final = (1, 7, 30)  # business days that a sending covers


class MailingForm(forms.Form):
    """What is sent, to whom, when, and in which language."""

    report = forms.ChoiceField(choices=[(name, name) for name in REPORTS])
    days_covered = forms.TypedChoiceField(choices=[(each, each) for each in SPANS], coerce=int)
    recipients = forms.CharField(max_length=2_000, strip=True)
    at = forms.TimeField()
    days = forms.MultipleChoiceField(choices=DAYS, required=False)
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    format = forms.ChoiceField(choices=FileFormat.choices)
    reason = forms.CharField(max_length=400, required=False, strip=True)
    version = forms.IntegerField(min_value=1)

    def given(self, found: ReportSchedule, filters: dict[str, str]) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "report": data["report"],
            "wanted": filters,
            "days": data["days_covered"],
            "recipients": data["recipients"].replace(";", ",").replace("\n", ",").split(","),
            "rule": f"daily:{data['at']:%H:%M}",
            "weekdays": "".join(sorted(data["days"])),
            "language": data["language"],
            "format": data["format"],
            "is_active": found.is_active,
        }


@require_GET
@allowed("view_reconciliation")
def mailing(request: HttpRequest, pk: int) -> HttpResponse:
    """What it sends, to whom, when next, and what became of each mail."""
    found = _found(pk)
    events = BookEvent.objects.filter(subject=f"{report_schedules.SUBJECT}:{pk}").order_by("-pk")[:20]
    context = {
        "section": "reconciliation",
        "place": "reports",
        "found": found,
        "facts": facts_of(found),
        "sendings": sendings_of(found),
        "events": told_events(events),
        "key": uuid.uuid4().hex,
        "here": reverse("mailing", args=[pk]),
    }
    return answer(request, "console/mailings/mailing.html", "console/mailings/live.html", context)


@require_http_methods(["GET", "POST"])
@allowed("run_reconciliation")
def edit(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """GET is the form of one schedule, or of a new one; POST saves it with a reason."""
    found = (
        _found(pk) if pk else ReportSchedule(rule="daily:07:00", weekdays="1234567", language=settings.STAFF_LANGUAGE)
    )
    form = MailingForm(request.POST or None, initial=_initial(found))
    filters = {name: _clean(request.POST.get(name, "")) for name in FILTER_LABELS} if form.is_bound else found.wanted
    problem = _("Fill in what is marked.") if form.is_bound and not form.is_valid() else ""
    if form.is_bound and not problem:
        given = form.given(found, {name: value for name, value in filters.items() if value})
        told = {"actor": actor_of(request), "reason": form.cleaned_data["reason"]}
        try:
            report_schedules.keep(found, given, expected=form.cleaned_data["version"], **told)
        except Refusal as refusal:
            problem = str(refusal)
        else:
            messages.success(request, _("The schedule is saved."))
            return redirect("mailing", pk=found.pk)
    return _draw(request, form, problem, pk=pk, filters=filters)


def _draw(request: HttpRequest, form: MailingForm, problem: str, *, pk: int, filters: dict[str, str]) -> HttpResponse:
    context = {
        "section": "reconciliation",
        "place": "reports",
        "form": form,
        "pk": pk,
        "problem": problem,
        "reports": REPORTS.values(),
        "spans": SPANS,
        "span": str(form["days_covered"].value() or ""),
        "days": DAYS,
        "chosen": form["days"].value() or [],
        "languages": settings.LANGUAGES,
        "formats": FileFormat.choices,
        "domains": ", ".join(settings.REPORT_DOMAINS),
        "filters": [(each, FILTER_LABELS[each], filters.get(each, ""), choices_of(each)) for each in FILTER_LABELS],
    }
    return render(request, "console/mailings/edit.html", context, status=422 if form.is_bound else 200)


def _initial(found: ReportSchedule) -> dict[str, Any]:
    at = Schedule.read(found.rule).by
    return {
        "report": found.report or "daily",
        "days_covered": found.days,
        "recipients": ", ".join(found.recipients or []),
        "at": f"{at:%H:%M}" if at else "07:00",
        "days": list(found.weekdays),
        "language": found.language,
        "format": found.format,
        "version": found.version,
    }


@require_POST
@allowed("run_reconciliation")
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it at this moment; the same page posted twice sends once."""
    found, key = _found(pk), request.POST.get("key", "")[:40]
    if not key:
        raise Http404
    try:
        report_schedules.send_now(found, key=key, actor=actor_of(request), reason=request.POST.get("reason", ""))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is being written, and sent when it is there."))
    return redirect("mailing", pk=pk)


@require_POST
@allowed("run_reconciliation")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause it, or let it go on."""
    found, version = _found(pk), request.POST.get("version", "")
    told = {"actor": actor_of(request), "reason": request.POST.get("reason", "")}
    is_active = request.POST.get("to") == "on"
    try:
        expected = int(version) if version.isdecimal() and len(version) < 9 else 0
        report_schedules.switch(found, is_active=is_active, expected=expected, **told)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It goes on by the clock.") if is_active else _("It is paused."))
    return redirect("mailing", pk=pk)


@require_GET
@allowed("export_orders")
def file(request: HttpRequest, pk: int) -> FileResponse:
    """What was mailed, for whoever may take lists out; while it is kept."""
    made = ReportFile.objects.filter(pk=pk, sending__isnull=False, state=FileState.DONE).first()
    if made is None or not report_files.path_of(made).is_file():
        raise Http404
    return FileResponse(report_files.path_of(made).open("rb"), as_attachment=True, filename=file_name(made))


def _found(pk: int) -> ReportSchedule:
    found = ReportSchedule.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _clean(text: str) -> str:
    return text[:40].replace("\0", "")
