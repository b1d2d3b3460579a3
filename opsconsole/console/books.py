"""Feeds and loads: how far each book is complete, what came, what waits for a person, and what they decide."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.book_days import by_age
from opsconsole.console.book_shown import feed_rows, load_row, load_rows, shown_load
from opsconsole.console.chips import Choices
from opsconsole.console.export import csv_file
from opsconsole.console.live import answer
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation.holds import told
from reconciliation.layouts import LayoutRefused
from reconciliation.models import Load
from reconciliation.queries import loads as queries
from reconciliation.reading import Problem
from reconciliation.services import loads as decisions
from reconciliation.services.layouts import names
from reconciliation.services.rounds import ring_load
from reconciliation.states import LoadState, Side

PAGE: Final = 50
PUT_ASIDE: Final = 50


@require_GET
@allowed("view_reconciliation")
def overview(request: HttpRequest) -> HttpResponse:
    """The section's first page: what lies open, are the books complete, and what waits for me?"""
    now = timezone.now()
    context = {
        "section": "reconciliation",
        "place": "overview",
        "feeds": feed_rows(queries.all_feeds(), now=now),
        "ages": by_age(now),
        "here": reverse("reconciliation"),
        "held": load_rows(queries.held_loads()),
        "newest": load_rows(queries.load_page(limit=10).loads),
    }
    return answer(request, "console/books/overview.html", "console/books/overview_live.html", context)


@require_GET
@allowed("view_reconciliation")
def loads(request: HttpRequest) -> HttpResponse:
    choices = Choices.read(request.GET, ("state", "side"))
    state = choices.one("state") if choices.one("state") in LoadState.values else ""
    side = choices.one("side") if choices.one("side") in Side.values else ""
    below = request.GET.get("below", "")
    page = queries.load_page(state=state, side=side, below=int(below) if _is_id(below) else None, limit=PAGE)
    here = f"{reverse('loads')}?{choices.query()}"
    context = {
        "section": "reconciliation",
        "place": "loads",
        "rows": load_rows(page.loads),
        "total": queries.loads_in_all(state=state, side=side),
        "state": state,
        "side": side,
        "states": LoadState.choices,
        "sides": Side.choices,
        "here": f"{here}&below={below}" if below else here,
        "next_url": f"{here}&below={page.next}" if page.next else "",
        "first_url": here if below else "",
    }
    return answer(request, "console/books/loads.html", "console/books/loads_live.html", context)


@require_GET
@allowed("view_reconciliation")
def load(request: HttpRequest, pk: int) -> HttpResponse:
    found = _load(pk)
    context = {
        "section": "reconciliation",
        "load": shown_load(found),
        "row": load_row(found),
        "put_aside": [(row, told(Problem(**row.problem))) for row in queries.put_aside(found, limit=PUT_ASIDE)],
        "layouts": names(),
        "used_layout": queries.layout_name(found.layout),
    }
    return answer(request, "console/books/load.html", "console/books/load_live.html", context)


@require_GET
@allowed("view_reconciliation")
def quarantine(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every row that could not be read, with its number and the reason in the reader's language."""
    found = _load(pk)
    rows = (
        (row.part, row.line, told(Problem(**row.problem)), row.raw)
        for row in queries.all_put_aside(found).iterator(chunk_size=1_000)
    )
    return csv_file(f"load-{found.pk}-quarantine", ("part", "row", "reason", "content"), rows)


@require_POST
@allowed("load_books")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Release, read by another layout, or throw away a held load, always with a reason."""
    found, reason = _load(pk), request.POST.get("reason", "")
    try:
        said = _decided(request, found, reason)
    except (Refusal, LayoutRefused) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("load", pk=pk)


def _decided(request: HttpRequest, found: Load, reason: str) -> str:
    actor = actor_of(request)
    match request.POST.get("decision"):
        case "release":
            decisions.release(found.pk, actor=actor, reason=reason)
            ring_load(found.pk)
            return _("The load is being taken in.")
        case "reread":
            decisions.reread(found.pk, layout=request.POST.get("layout", ""), actor=actor, reason=reason)
            ring_load(found.pk)
            return _("The file is being read again.")
        case "drop":
            decisions.drop(found.pk, actor=actor, reason=reason)
            return _("The load is thrown away. Nothing of it came into the books.")
    raise Http404


def _load(pk: int) -> Load:
    found = queries.load_of(pk)
    if found is None:
        raise Http404
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
