"""Reports: on screen with filters, as CSV, as a spreadsheet in a job; and the spreadsheet of breaks loaded back."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.live import answer
from opsconsole.console.report_words import FILTER_LABELS, choices_of, shown
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation import business_day
from reconciliation.models import ReportFile
from reconciliation.queries.reports import REPORTS, Report, Wanted
from reconciliation.reading import FileRefused
from reconciliation.services import files, report_files
from reconciliation.states import FileState
from runbooks.services import proposals

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
    path = Path(settings.REPORTS_DIR) / made.file if made else None
    if made is None or path is None or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{made.report}-{made.asked_at:%Y-%m-%d}.xlsx")


@require_http_methods(["GET", "POST"])
@allowed("propose_repair")
def load_back(request: HttpRequest) -> HttpResponse:
    """GET is the form; POST makes plans of what the rows propose, and says of each other row why not."""
    context: dict[str, Any] = {"section": "reconciliation", "place": "reports", "repairs": list(proposals.REPAIRS)}
    sent = request.FILES.get("file")
    if request.method == "POST" and isinstance(sent, UploadedFile):
        try:
            kept = files.keep(sent.chunks(), name=sent.name or "breaks.xlsx")
            context["loaded"] = proposals.load(
                files.path_of(kept.name), name=sent.name or "breaks.xlsx", proposer=actor_of(request)
            )
        except (Refusal, FileRefused) as refusal:
            context["wrong"] = _why(refusal)
    return render(request, "console/reports/load_back.html", context, status=422 if "wrong" in context else 200)


def _why(refusal: Exception) -> str:
    return _("This file cannot be read as a spreadsheet.") if isinstance(refusal, FileRefused) else str(refusal)


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise Http404
    return REPORTS[name]


def _wanted(request: HttpRequest) -> Wanted:
    given = request.GET if request.method == "GET" else request.POST
    today = business_day.of(timezone.now())
    others: dict[str, Any] = {name: given.get(name, "")[:40].replace("\0", "") for name in FILTER_LABELS}
    return Wanted(_day(given.get("first"), today - MONTH), _day(given.get("last"), today), **others)


def _day(text: str | None, otherwise: date) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return otherwise


def _plain(value: Any) -> Any:
    return iso(value) if hasattr(value, "astimezone") else ("" if value is None else value)
