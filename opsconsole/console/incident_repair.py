"""From the orders of an incident that still hang to a plan of one action over them, attached to the incident."""

from collections import Counter, defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console.access import allowed, refuse
from opsconsole.console.bulk_plan import NOT_FROM_LIST, offered
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.live import is_fragment
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_of, person
from orders.diagnosis.causes import NEXT_STEPS, WORDS, Cause, NextStep
from orders.errors import Refusal
from runbooks.models import Incident, Plan
from runbooks.queries.incidents import cohort_of
from runbooks.registry import find
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By
from runbooks.services.planning import Ask, make_plan


@require_http_methods(["GET", "POST"])
@allowed("run_runbook")
def repair(request: HttpRequest, code: str) -> HttpResponse:
    """GET is the dialog; POST freezes what the action would do. Nothing is done before the plan is started."""
    found = found_or_404(code)
    if request.method == "GET":
        return _draw(request, found)
    action = find(request.POST.get("action", ""))
    if action is None or action.name in NOT_FROM_LIST or action.subject != "order":
        return _draw(request, found, problem=_("There is no such action."))
    right = RIGHT_BY_CODENAME[action.right]
    if not request.user.has_perm(right.permission):
        return refuse(request, right)
    try:
        plan = _plan(found, str(action), request.POST.get("cause", ""), actor=actor_of(request))
    except Refusal as refusal:
        return _draw(request, found, problem=str(refusal))
    address = reverse("plan", args=[plan.code])
    return HttpResponseClientRedirect(address) if is_fragment(request) else redirect(address)


def _plan(found: Incident, action: str, cause: str, *, actor: str) -> Plan:
    rows = [row for row in cohort_of(found).hanging if cause in ("", row.cause)]
    words = [found.code, *([str(WORDS[Cause(cause)].title)] if cause in set(Cause) else [])]
    ask = Ask(action=action, proposer=actor, kind=Plan.Kind.SELECTION, source={"incident": found.code, "words": words})
    plan = make_plan([row.order_id for row in rows], ask)
    leading.attach_plan(found, plan.code, By(actor=actor))
    return plan


def _draw(request: HttpRequest, found: Incident, *, problem: str = "") -> HttpResponse:
    hanging = cohort_of(found).hanging
    context: dict[str, Any] = {
        "section": "incidents",
        "incident": found,
        "count": len(hanging),
        "actions": offered(person(request)),
        "causes": _causes(hanging),
        "problem": problem,
        "next_step": _usual([row.next_step for row in hanging]),
    }
    status = 422 if problem else 200
    if is_fragment(request):
        return render(request, "console/incidents/repair.html", context, status=status)
    return render(request, "console/incidents/repair_page.html", {**context, "is_page": True}, status=status)


def _causes(hanging: Any) -> list[tuple[str, str, int, str]]:
    """Causes among what hangs, most first, each with what the diagnoses advise for it."""
    steps: dict[str, Counter[str]] = defaultdict(Counter)
    for row in hanging:
        if row.cause in set(Cause):
            steps[row.cause][row.next_step] += 1
    return [
        (cause, str(WORDS[Cause(cause)].title), found.total(), _advice(found.most_common(1)[0][0]))
        for cause, found in sorted(steps.items(), key=lambda each: -each[1].total())
    ]


def _advice(step: str) -> str:
    return str(NEXT_STEPS[NextStep(step)]) if step in set(NextStep) else ""


def _usual(steps: list[str]) -> str:
    """What the diagnoses advise most often, as the reference of an action; "" for nothing."""
    counts = Counter(f"{step}@1" for step in steps if find(f"{step}@1"))
    return counts.most_common(1)[0][0] if counts else ""
