"""Runs: begin one, watch it, see what it proved, found and healed, and compare two of them."""

from datetime import date
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.rule_words import told_field
from opsconsole.console.run_shown import between_rows, book_rows, effect_rows, run_row, run_rows, shown_run, told_rows
from opsconsole.console.staff import actor_of
from reconciliation.models import Run, RunSchedule
from reconciliation.queries import runs as queries
from reconciliation.services.rounds import ring_run
from reconciliation.services.rules import takes_two
from reconciliation.services.runs import ask
from reconciliation.states import BreakVerb, RunScope, RunState

PAGE: Final = 50


class RunForm(forms.Form):
    """What a run is to look at; days only for a run of some days, the last one included."""

    scope = forms.ChoiceField(choices=RunScope.choices, initial=RunScope.CHANGES)
    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    dry = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if given.get("scope") == RunScope.WINDOW and not self.errors:
            if not first or not last:
                self.add_error("first", _("Choose the first and the last day."))
            elif first > last:
                self.add_error("last", _("The last day lies before the first."))
        return given

    @property
    def window(self) -> tuple[date, date] | None:
        if self.cleaned_data["scope"] != RunScope.WINDOW:
            return None
        return self.cleaned_data["first"], self.cleaned_data["last"]


@require_GET
@allowed("view_reconciliation")
def runs(request: HttpRequest) -> HttpResponse:
    below = request.GET.get("below", "")
    page = queries.run_page(below=int(below) if is_id(below) else None, limit=PAGE)
    here = reverse("book-runs")
    context = {
        "section": "reconciliation",
        "place": "runs",
        "rows": run_rows(page.runs),
        "schedules": list(RunSchedule.objects.select_related("last").order_by("pk")) if not below else [],
        "here": f"{here}?below={below}" if below else here,
        "next_url": f"{here}?below={page.next}" if page.next else "",
        "first_url": here if below else "",
        "now": timezone.now(),
    }
    return answer(request, "console/runs/list.html", "console/runs/list_live.html", context)


@require_GET
@allowed("view_reconciliation")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    found = run_or_404(pk)
    earlier = queries.before(found)
    context: dict[str, Any] = {
        "section": "reconciliation",
        "place": "runs",
        "run": found,
        "row": run_row(found),
        "shown": shown_run(found),
        "earlier": earlier,
        "books": book_rows(queries.books_of(found)),
        "tried": [told_field(*field) for field in found.trial.items()],
        "waits_for_another": takes_two(found.trial, found.rules) and found.actor == actor_of(request),
        "effect": effect_rows(found.summary) if found.trial and found.state == RunState.DONE else None,
    }
    if found.state == RunState.DONE and not found.is_dry:
        context["told"] = told_rows(
            (
                (gettext_lazy("Found first in this run"), queries.found_by([found.pk])),
                (gettext_lazy("Healed"), queries.told_by([found.pk], BreakVerb.HEAL)),
                (gettext_lazy("Came back"), queries.told_by([found.pk], BreakVerb.REOPEN)),
                (gettext_lazy("Changed"), queries.told_by([found.pk], BreakVerb.CHANGE)),
            )
        )
    return answer(request, "console/runs/run.html", "console/runs/run_live.html", context)


@require_http_methods(["GET", "POST"])
@allowed("run_reconciliation")
def start(request: HttpRequest) -> HttpResponse:
    """GET is the form; POST writes down that a run is wanted and rings for a worker."""
    form = RunForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = ask(
            scope=RunScope(form.cleaned_data["scope"]),
            window=form.window,
            dry=form.cleaned_data["dry"],
            actor=actor_of(request),
        )
        ring_run(wanted.pk)
        return redirect("book-run", pk=wanted.pk)
    context = {"section": "reconciliation", "place": "runs", "form": form, "scopes": RunScope.choices}
    return render(request, "console/runs/start.html", context, status=422 if form.is_bound else 200)


@require_GET
@allowed("view_reconciliation")
def compare(request: HttpRequest) -> HttpResponse:
    """What changed from run `a` to run `b`, and why; without them, of the last two that ended well."""
    earlier, later = _two(request)
    context: dict[str, Any] = {"section": "reconciliation", "place": "runs", "earlier": earlier, "later": later}
    context["choices"] = run_rows(queries.run_page(limit=PAGE).runs)
    if earlier and later:
        context |= between_rows(earlier, later, queries.between(earlier, later))
    return render(request, "console/runs/compare.html", context)


def _two(request: HttpRequest) -> tuple[Run | None, Run | None]:
    """The older one first, in whatever order they were asked for."""
    asked = sorted(int(text) for name in ("a", "b") if is_id(text := request.GET.get(name, "")))
    if len(asked) == 2 and asked[0] != asked[1]:
        return run_or_404(asked[0]), run_or_404(asked[1])
    later = run_or_404(asked[0]) if asked else Run.objects.filter(state=RunState.DONE, trial={}).order_by("-pk").first()
    return (queries.before(later), later) if later else (None, None)


def run_or_404(pk: int) -> Run:
    found = queries.run_of(pk)
    if found is None:
        raise Http404
    return found


def is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
