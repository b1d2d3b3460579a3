"""What people do in the run of a runbook. Each deed is a POST; a refusal changes nothing and is said."""

from collections.abc import Callable, Mapping
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opsconsole.console.access import allowed, refuse
from opsconsole.console.action_answers import told
from opsconsole.console.plan_rights import may
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from runbooks.files import load
from runbooks.models import Guide, Plan
from runbooks.queries.guides import find_guide
from runbooks.queries.incidents import find_incident
from runbooks.registry import ACTIONS
from runbooks.services import guiding
from runbooks.services.guiding import Said

Deed = Callable[[HttpRequest, Guide], Plan | None]


@require_POST
@allowed("run_runbook")
def begin(request: HttpRequest, name: str) -> HttpResponse:
    book = load(name)
    if book is None:
        raise Http404
    params = {each: request.POST[each] for each in book.front.params if each in request.POST}
    try:
        incident = find_incident(request.POST.get("incident", ""))
        incident_id = incident.pk if incident else None
        guide = guiding.begin(book, actor=actor_of(request), params=params, incident_id=incident_id)
    except Refusal as refusal:
        messages.error(request, told(str(refusal)))
        return redirect("book", name=name)
    return _to_step(guide)


@require_POST
@allowed("view_runbooks")
def do(request: HttpRequest, name: str, code: str, deed: str) -> HttpResponseBase:
    guide = find_guide(name, code)
    if guide is None or deed not in DEEDS:
        raise Http404
    right = _right(request, guide, deed)
    if not may(request.user, right):
        return refuse(request, RIGHT_BY_CODENAME[right])
    try:
        plan = DEEDS[deed](request, guide)
    except Refusal as refusal:
        messages.error(request, told(str(refusal)))
        plan = None
    return redirect("plan", code=plan.code) if plan else _to_step(guide)


def _to_step(guide: Guide) -> HttpResponse:
    """The page with the focus on the step that is open: it stands below the others on a phone."""
    return redirect(reverse("guide", args=[guide.runbook, guide.code]) + "#open-title")


def _right(request: HttpRequest, guide: Guide, deed: str) -> str:
    """Planning is for whoever may do the step's action: comparing the books is finance's, also in on-call's runbook.
    All else is for those who go through it."""
    step = guiding.book_of(guide).step(request.POST.get("step", "")) if deed in ("plan", "again") else None
    action = ACTIONS.get(step.spec.action) if step is not None and step.kind == "act" else None
    return action.right if action is not None else "run_runbook"


def _said(request: HttpRequest) -> Said:
    given = request.POST
    return Said(actor=actor_of(request), note=given.get("note", "")[:20_000], choice=given.get("choice", ""))


def _done(request: HttpRequest, guide: Guide) -> None:
    guiding.done(guide, request.POST.get("step", ""), _said(request))


def _skip(request: HttpRequest, guide: Guide) -> None:
    guiding.skip(guide, request.POST.get("step", ""), _said(request))


def _plan(request: HttpRequest, guide: Guide) -> Plan:
    return guiding.plan(guide, request.POST.get("step", ""), actor=actor_of(request))


def _again(request: HttpRequest, guide: Guide) -> Plan:
    return guiding.plan_again(guide, request.POST.get("step", ""), actor=actor_of(request))


def _abandon(request: HttpRequest, guide: Guide) -> None:
    guiding.abandon(guide, actor=actor_of(request), reason=request.POST.get("note", ""))
    messages.success(request, _("Abandoned. What was done stays done."))


DEEDS: Final[Mapping[str, Deed]] = {
    "done": _done,
    "skip": _skip,
    "plan": _plan,
    "again": _again,
    "abandon": _abandon,
}
