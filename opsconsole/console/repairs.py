"""From a break, ticked breaks or a whole case to the plan of a repair. Nothing is done before the plan is started."""

from collections.abc import Sequence
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from opsconsole.console.access import allowed
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation.queries.breaks import open_breaks_in
from reconciliation.states import BreakState, Pairing
from runbooks.models import Plan
from runbooks.registry import Action, find
from runbooks.registry.breaks import BREAK_ACTIONS, LATE, NOT_AT_HO, TO_CORRECT, TO_REFUND, TO_REVERSE
from runbooks.services.planning import Ask, make_plan

# Of which types each repair is one; what is not here is one of any type.
_TYPES: Final = {
    "repost_break": NOT_AT_HO,
    "refund_break": TO_REFUND,
    "reverse_break": TO_REVERSE,
    "correct_break": TO_CORRECT,
    "accept_timing": LATE,
}


def offered(type_: str, state: str, pairing: str = Pairing.HO) -> Sequence[Action]:
    """The repairs of a break of this type and pairing in this state, the one that puts the books right first."""
    if state == BreakState.RESOLVED:
        return [action for action in BREAK_ACTIONS if action.name == "reopen_break"]
    if state != BreakState.OPEN:
        return []
    elsewhere = () if pairing == Pairing.HO else ("correct_break",)
    return [
        action
        for action in BREAK_ACTIONS
        if action.name not in ("reopen_break", *elsewhere) and type_ in _TYPES.get(action.name, (type_,))
    ]


@require_POST
@allowed("propose_repair")
def repair(request: HttpRequest) -> HttpResponse:
    """Freeze what the repair would do to these breaks, and show it."""
    action = find(request.POST.get("action", ""))
    if action is None or action.subject != "break":
        raise Http404
    try:
        plan = make_plan(_breaks(request), _ask(request, action))
    except Refusal as refusal:
        messages.error(request, str(refusal))
        back = request.POST.get("back", "")
        return redirect(back if back.startswith("/reconciliation/") else "reconciliation")
    return redirect("plan", code=plan.code)


def _breaks(request: HttpRequest) -> list[int]:
    case = request.POST.get("case", "")
    if case.isdecimal() and len(case) < 19:
        return open_breaks_in(int(case))
    return [int(each) for each in request.POST.getlist("break") if each.isdecimal() and len(each) < 19]


def _ask(request: HttpRequest, action: Action) -> Ask:
    code, case = request.POST.get("code", ""), request.POST.get("case", "")
    return Ask(
        action=str(action),
        proposer=actor_of(request),
        kind=Plan.Kind.CASE if case else Plan.Kind.SELECTION,
        source={"case": case} if case else {},
        params={"code": code} if "code" in action.input.model_fields else {},
    )
