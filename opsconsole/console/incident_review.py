"""The post-incident review: what happened (T+), whom it hit, why, what went well, and what is done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console import incident_words as words
from opsconsole.console.access import allowed
from opsconsole.console.formats import money
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.review_markdown import as_markdown
from opsconsole.console.staff import actor_name, actor_of
from orders.errors import Refusal
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.incident_states import IncidentState
from runbooks.models import ActionItem, Incident, Review
from runbooks.queries import incidents as queries
from runbooks.services.incidents import reviewing
from runbooks.services.incidents.leading import By
from runbooks.services.incidents.reviewing import Item

SECTION: Final = {"section": "incidents"}
TEXTS: Final[Mapping[str, Promise]] = {
    "summary": gettext_lazy("Summary"),
    "cause": gettext_lazy("Cause"),
    "went_well": gettext_lazy("What went well"),
    "went_badly": gettext_lazy("What went badly"),
}
COUNTS: Final[Mapping[str, Promise]] = {
    "orders": gettext_lazy("Orders affected"),
    "paid": gettext_lazy("of them paid"),
    "recovered": gettext_lazy("recovered"),
    "hanging": gettext_lazy("still hang"),
    "unfulfilled": gettext_lazy("ended unfulfilled"),
    "alerts": gettext_lazy("Alerts"),
    "breaches": gettext_lazy("Clocks too late"),
}
SUMS: Final[Mapping[str, Promise]] = {
    "delayed": gettext_lazy("Money delayed"),
    "lost": gettext_lazy("Money lost"),
    "refunded": gettext_lazy("Refunded"),
    "owed": gettext_lazy("Refunds under way"),
    "held": gettext_lazy("Held now"),
}
# What a review tells of; the rest is in the incident's own timeline.
TOLD: Final = frozenset(
    {
        "open",
        "alert",
        "alert_over",
        "acknowledge",
        "lapse",
        "hand_over",
        "severity",
        "note",
        "clock_breached",
        "mitigate",
    }
    | {"relapse", "resolve", "reopen", "message", "breaker", "deploy", "plan", "plan_event", "pin"}
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One line of the timeline, by how long after the beginning."""

    at: datetime
    after: timedelta
    text: str
    actor: str

    @property
    def is_before(self) -> bool:
        return self.after < timedelta(0)

    @property
    def distance(self) -> timedelta:
        """How far from the beginning, on either side."""
        return abs(self.after)


class ItemForm(forms.Form):
    kind = forms.ChoiceField(choices=[(name, label) for name, label in words.ITEM_KINDS.items() if name != "override"])
    text = forms.CharField(max_length=400, strip=True)
    owner = forms.CharField(max_length=80)
    due_on = forms.DateField()


@require_GET
@allowed("view_incidents")
def review(request: HttpRequest, code: str) -> HttpResponse:
    found = found_or_404(code)
    kept = Review.objects.filter(incident=found).first()
    return render(request, "console/incidents/review.html", _context(found, kept))


def _context(found: Incident, kept: Review | None) -> dict[str, Any]:
    items = list(found.items.order_by("due_on", "pk"))
    names = people([*(item.owner for item in items), kept.changed_by if kept else "", found.commander])
    today = timezone.localdate()
    return {
        **SECTION,
        "incident": found,
        "review": kept,
        "is_over": _is_over(found),
        "texts": [(name, label, getattr(kept, name, "")) for name, label in TEXTS.items()],
        "impact": impact_lines(kept),
        "moments": timeline(found),
        "items": [
            (
                item,
                words.ITEM_KINDS[item.kind],
                *words.ITEM_STATES[item.state],
                who(item.owner, names),
                item.state == ActionItem.State.OPEN and item.due_on < today,
            )
            for item in items
        ],
        "kinds": [(name, label) for name, label in words.ITEM_KINDS.items() if name != ActionItem.Kind.OVERRIDE],
        "people": _everybody(),
        "owner": found.commander,
        "due_on": (today + timedelta(days=14)).isoformat(),
        "changed_by": who(kept.changed_by, names) if kept and kept.changed_by else "",
        "commander": who(found.commander, names) if found.commander else "",
        "headline": words.headline(found),
    }


def impact_lines(kept: Review | None) -> Sequence[tuple[str, str]]:
    """What was counted, in words; nothing before it was drafted."""
    if kept is None:
        return []
    counts = [(str(label), str(kept.impact.get(name, 0))) for name, label in COUNTS.items()]
    sums = [
        (
            str(label),
            " + ".join(money(amount, currency=code) for code, amount in sorted(kept.impact[name].items())) or "–",
        )
        for name, label in SUMS.items()
        if name in kept.impact
    ]
    return [*counts, *sums, (_("Complaints"), _complaints(kept.impact))]


def _complaints(impact: Mapping[str, Any]) -> str:
    """Only what somebody noted is known, and the line says so."""
    if "complaints" not in impact:
        return _("not counted")
    if not impact["complaints"]:
        return _("none noted: CS has put no call of these customers on their orders")
    text = ngettext("%(calls)s call, orders: %(orders)s", "%(calls)s calls, orders: %(orders)s", impact["complaints"])
    return text % {"calls": impact["complaints"], "orders": impact["complained"]}


def timeline(found: Incident) -> Sequence[Moment]:
    """Oldest first, with T+ since it began to be wrong."""
    lines = [line for line in reversed(queries.story(found)) if line.kind in TOLD]
    names = people([*(line.actor for line in lines), *(str(line.detail.get("now", "")) for line in lines)])
    return [
        Moment(
            at=line.at,
            after=line.at - found.began_at,
            text=_text(line, names),
            actor=who(line.actor, names),
        )
        for line in lines
    ]


def _text(line: queries.Line, names: Mapping[str, str]) -> str:
    said = line.text if line.kind == "note" else words.sentence(line.kind, line.detail, names)
    return f"{said} “{line.text}”" if line.text and line.kind != "note" else said


def _everybody() -> list[tuple[str, str]]:
    users = get_user_model()._base_manager.filter(is_active=True).order_by("username")
    return [(actor_name(user), user.get_full_name() or user.get_username()) for user in users]


@require_POST
@allowed("write_reviews")
def write(request: HttpRequest, code: str) -> HttpResponse:
    """By `what`: the draft, the texts, the numbers once more, or the end of the review."""
    found = found_or_404(code)
    what, seen = request.POST.get("what", "texts"), request.POST.get("version", "")
    by = By(actor=actor_of(request), version=int(seen) if seen.isdecimal() else None)
    try:
        kept = reviewing.draft(found, actor=by.actor)
        if what == "count":
            reviewing.count_again(kept, actor=by.actor)
        elif what == "finish":
            reviewing.finish(found, By(actor=by.actor))
        elif what == "texts":
            reviewing.write(kept, {name: request.POST.get(name, "") for name in TEXTS}, by)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Kept."))
    return redirect("incident-review", code=code)


@require_POST
@allowed("write_reviews")
def add_item(request: HttpRequest, code: str) -> HttpResponse:
    found, form = found_or_404(code), ItemForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what is to be done, by whom and by when."))
        return redirect("incident-review", code=code)
    try:
        reviewing.add_item(found, Item(**form.cleaned_data), actor=actor_of(request))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("incident-review", code=code)


@require_POST
@allowed("write_reviews")
def end_item(request: HttpRequest, pk: int) -> HttpResponse:
    item = ActionItem.objects.select_related("incident").filter(pk=pk).first()
    if item is None:
        raise Http404
    state = request.POST.get("state", "")
    try:
        reviewing.end_item(item, state, said=request.POST.get("said", ""), actor=actor_of(request))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("incident-review", code=item.incident.code)


@require_GET
@allowed("view_incidents")
def markdown(request: HttpRequest, code: str) -> HttpResponse:
    """The review as a file."""
    found = found_or_404(code)
    kept = Review.objects.filter(incident=found).first()
    if kept is None:
        raise Http404
    response = HttpResponse(as_markdown(_context(found, kept)), content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.code}.md"'
    return response


@require_GET
@allowed("view_incidents")
def items(request: HttpRequest) -> HttpResponse:
    """Every action item that is open, the one due first on top."""
    rows = list(ActionItem.objects.select_related("incident").filter(state="open").order_by("due_on", "pk")[:200])
    names, today = people(row.owner for row in rows), timezone.localdate()
    context = {
        **SECTION,
        "rows": [(row, words.ITEM_KINDS[row.kind], who(row.owner, names), row.due_on < today) for row in rows],
    }
    return render(request, "console/incidents/items.html", context)


def _is_over(found: Incident) -> bool:
    return found.state in (IncidentState.RESOLVED, IncidentState.REVIEWED)
