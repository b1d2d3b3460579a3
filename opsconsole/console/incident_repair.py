"""From the orders of an incident that still hang to a plan of one action over them, attached to the incident."""

from collections import Counter, defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed, refuse
from opsconsole.console.bulk_plan import NOT_FROM_LIST, offered
from opsconsole.console.incident_dialogs import plan_and_go, show
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_of, person
from orders.diagnosis.causes import NEXT_STEPS, WORDS, Cause, NextStep
from orders.errors import Refusal
from runbooks.models import Incident, Plan
from runbooks.queries.incidents import cohort_of
from runbooks.registry import find
from runbooks.services.planning import Ask


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
    cause = request.POST.get("cause", "")
    try:
        return plan_and_go(
            request, found, _keys(found, cause), _ask(found, str(action), cause, actor=actor_of(request))
        )
    except Refusal as refusal:
        return _draw(request, found, problem=str(refusal))


def _keys(found: Incident, cause: str) -> list[int]:
    return [row.order_id for row in cohort_of(found).hanging if cause in ("", row.cause)]


def _ask(found: Incident, action: str, cause: str, *, actor: str) -> Ask:
    words = [found.code, *([str(WORDS[Cause(cause)].title)] if cause in set(Cause) else [])]
    return Ask(action=action, proposer=actor, kind=Plan.Kind.SELECTION, source={"incident": found.code, "words": words})


def _draw(request: HttpRequest, found: Incident, *, problem: str = "") -> HttpResponse:
    hanging = cohort_of(found).hanging
    context = {
        "count": len(hanging),
        "actions": offered(person(request)),
        "causes": _causes(hanging),
        "problem": problem,
        "next_step": _usual([row.next_step for row in hanging]),
    }
    return show(request, found, "repair", context, status=422 if problem else 200)


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
