"""Reports: on screen with filters, as CSV, as a spreadsheet in a job."""

from datetime import date, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.live import answer
from opsconsole.console.mailing_shown import last_of
from opsconsole.console.report_words import FILTER_LABELS, choices_of, shown
from opsconsole.console.staff import actor_of
from reconciliation import business_day
from reconciliation.models import ReportFile, ReportSchedule
from reconciliation.queries.reports import REPORTS, Report, Wanted
from reconciliation.services import report_files
from reconciliation.states import FileState

MOST: Final = 500  # rows on screen; all of them are in the file
MONTH: Final = timedelta(days=30)


@require_GET
@allowed("view_reconciliation")
def reports(request: HttpRequest) -> HttpResponse:
    mine = ReportFile.objects.filter(actor=actor_of(request)).order_by("-pk")[:10]
    context = {
        "section": "reconciliation",
        "place": "reports",
        "reports": REPORTS.values(),
        "mailings": last_of(list(ReportSchedule.objects.order_by("pk"))),
        "files": [(each, REPORTS[each.report].title) for each in mine if each.report in REPORTS],
        "here": reverse("reports"),
    }
    return answer(request, "console/reports/reports.html", "console/reports/files_live.html", context)


@require_GET
@allowed("view_reconciliation")
def report(request: HttpRequest, name: str) -> HttpResponse:
    found, wanted = _report(name), _wanted(request)
    rows = [row for row, _number in zip(found.rows(wanted), range(MOST + 1), strict=False)]
    query = urlencode(report_files.as_text(wanted))
    context = {
        "section": "reconciliation",
        "place": "reports",
        "report": found,
        "wanted": wanted,
        "filters": [(each, FILTER_LABELS[each], getattr(wanted, each), choices_of(each)) for each in found.filters],
        "columns": found.columns,
        "rows": [shown(found, row) for row in rows[:MOST]],
        "is_cut": len(rows) > MOST,
        "most": MOST,
        "query": query,
    }
    return render(request, "console/reports/report.html", context)


@require_GET
@allowed("export_orders")
def report_csv(request: HttpRequest, name: str) -> StreamingHttpResponse:
    found, wanted = _report(name), _wanted(request)
    lines = ([_plain(value) for value in row] for row in found.rows(wanted))
    return csv_file(f"report-{found.name}", [column.name for column in found.columns], lines)


@require_POST
@allowed("export_orders")
def ask(request: HttpRequest, name: str) -> HttpResponse:
    """Have a worker write it; the page of reports says how far it is."""
    report_files.ask(_report(name).name, _wanted(request), actor=actor_of(request))
    messages.success(request, _("The spreadsheet is being written. It can be fetched here for a day."))
    return redirect("reports")


@require_GET
@allowed("export_orders")
def file(request: HttpRequest, pk: int) -> FileResponse:
    """Only by who asked for it, and only while it is kept."""
    made = ReportFile.objects.filter(pk=pk, actor=actor_of(request), state=FileState.DONE).first()
    if made is None or not report_files.path_of(made).is_file():
        raise Http404
    name = f"{made.report}-{made.asked_at:%Y-%m-%d}.{made.format}"
    return FileResponse(report_files.path_of(made).open("rb"), as_attachment=True, filename=name)


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise Http404
    return REPORTS[name]


def _wanted(request: HttpRequest) -> Wanted:
    given = request.GET if request.method == "GET" else request.POST
    today = business_day.of(timezone.now())
    others: dict[str, Any] = {name: given.get(name, "")[:40].replace("\0", "") for name in FILTER_LABELS}
    first, last = sorted((_day(given.get("first"), today - MONTH), _day(given.get("last"), today)))
    return Wanted(first, last, **others)


def _day(text: str | None, otherwise: date) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return otherwise


def _plain(value: Any) -> Any:
    return iso(value) if hasattr(value, "astimezone") else ("" if value is None else value)
