"""What people do to a plan and its run. Each deed is a POST with its own right; GET leads back to the page."""

from collections.abc import Callable, Mapping
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console.access import allowed, refuse
from opsconsole.console.action_answers import told
from opsconsole.console.live import is_fragment
from opsconsole.console.plan_rights import may_do, right_of
from opsconsole.console.plan_words import run_of
from opsconsole.console.staff import actor_of
from opsconsole.console.sums import parsed_sum
from orders.errors import NotAllowed, Refusal
from runbooks.models import Plan, Run
from runbooks.queries.plans import find_plan
from runbooks.services import approving, operating, planning
from runbooks.services.approving import Go

Deed = Callable[[HttpRequest, Plan], str | Plan]


@require_POST
@allowed("view_runbooks")
def do(request: HttpRequest, code: str, deed: str) -> HttpResponse:
    """The right is asked for here, because it depends on the plan's action. A refusal changes nothing."""
    plan = find_plan(code)
    if plan is None or deed not in DEEDS:
        raise Http404
    if not may_do(request.user, plan, deed):
        return refuse(request, right_of(plan, deed))
    try:
        said = DEEDS[deed](request, plan)
    except Refusal as refusal:
        messages.error(request, told(str(refusal)))
        said = plan
    else:
        if isinstance(said, str):
            messages.success(request, said)
    target = redirect("plan", code=said.code if isinstance(said, Plan) else plan.code)
    return HttpResponseClientRedirect(target["Location"]) if is_fragment(request) else target


def _go(request: HttpRequest) -> Go:
    given = request.POST
    return Go(
        actor=actor_of(request),
        hash=given.get("hash", ""),
        reason=given.get("reason", ""),
        typed=parsed_sum(given.get("typed", "")),
        phrase=given.get("phrase", ""),
    )


def _start(request: HttpRequest, plan: Plan) -> str:
    approving.start(plan, _go(request))
    return _("Started. What becomes of each row follows here.")


def _propose(request: HttpRequest, plan: Plan) -> str:
    approving.propose(plan, _go(request))
    return _("A second person is asked. There are five minutes.")


def _approve(request: HttpRequest, plan: Plan) -> str:
    approving.approve(plan, _go(request))
    return _("Approved and started. What becomes of each row follows here.")


def _break_glass(request: HttpRequest, plan: Plan) -> str:
    approving.break_glass(plan, _go(request))
    return _("Started alone. Somebody else reviews it afterwards.")


def _reject(request: HttpRequest, plan: Plan) -> str:
    approving.reject(plan, actor=actor_of(request), reason=request.POST.get("reason", ""))
    return _("Rejected. Nothing was done.")


def _withdraw(request: HttpRequest, plan: Plan) -> str:
    approving.withdraw(plan, actor=actor_of(request))
    return _("Taken back. Nothing was done.")


def _run(plan: Plan) -> Run:
    run = run_of(plan)
    if run is None:
        raise NotAllowed(_("It has not been started."))
    return run


def _pause(request: HttpRequest, plan: Plan) -> str:
    operating.pause(_run(plan), actor=actor_of(request), reason=request.POST.get("reason", ""))
    return _("Paused. What is under way ends; nothing further begins.")


def _resume(request: HttpRequest, plan: Plan) -> str:
    operating.resume(_run(plan), actor=actor_of(request), reason=request.POST.get("reason", ""))
    return _("It goes on.")


def _cancel(request: HttpRequest, plan: Plan) -> str:
    operating.cancel(_run(plan), actor=actor_of(request), reason=request.POST.get("reason", ""))
    return _("Stopped for good. What had not begun never will.")


def _retry(request: HttpRequest, plan: Plan) -> Plan:
    return planning.again(plan, proposer=actor_of(request))


def _reverse(request: HttpRequest, plan: Plan) -> Plan:
    return planning.reverse(plan, proposer=actor_of(request))


def _review(request: HttpRequest, plan: Plan) -> str:
    item = getattr(plan, "review", None)
    if item is None:
        raise NotAllowed(_("There is nothing to review."))
    approving.close_review(item, actor=actor_of(request), finding=request.POST.get("reason", ""))
    return _("Reviewed.")


DEEDS: Final[Mapping[str, Deed]] = {
    "start": _start,
    "propose": _propose,
    "approve": _approve,
    "break_glass": _break_glass,
    "reject": _reject,
    "withdraw": _withdraw,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry": _retry,
    "reverse": _reverse,
    "review": _review,
}
