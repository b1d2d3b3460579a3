"""The spreadsheet of open breaks, filled in and loaded back: what became of each row, kept and to be fetched."""

from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.book_shown import told_actor
from opsconsole.console.export import csv_file
from opsconsole.console.plan_words import label_of
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.queries.order_page import people
from reconciliation.reading import FileRefused
from reconciliation.services import files
from runbooks import reasons
from runbooks.models import Plan, ProposalFile, RefusedRow
from runbooks.services import proposals

SHOWN: Final = 200  # refused rows on screen; all of them are in the CSV
LAST: Final = 20  # files in the list


@require_http_methods(["GET", "POST"])
@allowed("propose_repair")
def load_back(request: HttpRequest) -> HttpResponse:
    """GET is the form and the last files; POST makes plans of what the rows propose, and keeps why the others not."""
    sent, wrong = request.FILES.get("file"), ""
    if request.method == "POST" and isinstance(sent, UploadedFile):
        try:
            made = _load(request, sent)
        except (Refusal, FileRefused) as refusal:
            wrong = _why(refusal)
        else:
            messages.success(request, _("The file is read. Nothing is done before a plan is started."))
            return redirect("proposal-file", pk=made.pk)
    last = list(ProposalFile.objects.order_by("-pk")[:LAST])
    known = people(each.actor for each in last)
    context: dict[str, Any] = {
        "section": "reconciliation",
        "place": "reports",
        "repairs": list(proposals.REPAIRS),
        "wrong": wrong,
        "last": [(each, told_actor(each.actor, known)) for each in last],
    }
    return render(request, "console/reports/load_back.html", context, status=422 if wrong else 200)


def _load(request: HttpRequest, sent: UploadedFile) -> ProposalFile:
    name = sent.name or "breaks.xlsx"
    kept = files.keep(sent.chunks(), name=name)
    return proposals.load(files.path_of(kept.name), name=name, proposer=actor_of(request))


def _why(refusal: Exception) -> str:
    return _("This file cannot be read as a spreadsheet.") if isinstance(refusal, FileRefused) else str(refusal)


@require_GET
@allowed("view_reconciliation")
def proposal_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: its plans, and its refused rows with number and reason."""
    found = _found(pk)
    rows = list(found.refusals.order_by("number")[:SHOWN])
    context = {
        "section": "reconciliation",
        "place": "reports",
        "found": found,
        "by": told_actor(found.actor, people([found.actor])),
        "plans": [(plan, label_of(plan)) for plan in Plan.objects.filter(code__in=found.plans).order_by("pk")],
        "rows": [(row, reason_of(row)) for row in rows],
        "most": SHOWN,
        "is_cut": found.refused > SHOWN,
    }
    return render(request, "console/reports/proposal_file.html", context)


@require_GET
@allowed("view_reconciliation")
def refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every refused row with its number, the reason in the reader's language, and what it said."""
    found = _found(pk)
    rows = (
        (row.number, reason_of(row), *(row.said.get(name, "") for name in proposals.NEEDED))
        for row in found.refusals.order_by("number").iterator(chunk_size=1_000)
    )
    return csv_file(f"proposals-{found.pk}-refused", ("row", "reason", *proposals.NEEDED), rows)


def reason_of(row: RefusedRow) -> str:
    return reasons.words(row.why, row.why_values)


def _found(pk: int) -> ProposalFile:
    found = ProposalFile.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
