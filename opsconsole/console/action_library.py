"""The library of actions, and the form that plans one: what it does, its risk, who may, for what, with what.

`/runbooks/actions/force_breaker/?subject=midtrans&mode=open&minutes=30` is the form filled in: runbooks, alerts and
people link to it. Nothing is done before the plan that comes of it is started on its own page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console.access import allowed, refuse
from opsconsole.console.action_answers import told
from opsconsole.console.action_fields import fields_of, params_of
from opsconsole.console.action_subjects import keys_of, which_of
from opsconsole.console.plan_rights import approval_of, may
from opsconsole.console.roles import RIGHT_BY_CODENAME, ROLE_LABELS, Role, roles_with
from opsconsole.console.staff import actor_of
from opsconsole.console.subject_words import NAMES
from opsconsole.console.tones import Tone
from orders.errors import Refusal
from orders.services.switches import stopped_by
from runbooks.models import Plan
from runbooks.registry import ACTIONS, Action, Touch, find, newest
from runbooks.services.planning import Ask, make_plan

TOUCH: Final[Mapping[Touch, tuple[Promise, Tone]]] = {
    Touch.READS: (_("Repeatable"), Tone.NEUTRAL),
    Touch.VISIBLE: (_("Others notice"), Tone.ATTENTION),
    Touch.MONEY: (_("Moves money, or is final"), Tone.FAILED),
}
# One click with its way back on the order's own page.
NOT_HERE: Final = ("hold_order", "release_hold")


@dataclass(frozen=True, kw_only=True)
class Card:
    """One action as it is shown. `roles` may propose it; `undo` is the name of what undoes it, or `never` says why
    nothing does; `stopped` is the reason of the switch that stops it now."""

    action: Action
    touch: str
    tone: Tone
    roles: str
    approvers: str
    may: bool
    undo: str
    never: str
    stopped: str

    @property
    def is_here(self) -> bool:
        return self.action.name not in NOT_HERE


@require_GET
@allowed("view_runbooks")
def action_library(request: HttpRequest) -> HttpResponse:
    """Every action that is registered, by what it is done to."""
    latest = [action for action in ACTIONS.values() if newest(action.name) is action]
    groups = [(str(label), [each for each in latest if each.subject == name]) for name, label in NAMES.items()]
    cards = [(label, [card_of(action, request) for action in some]) for label, some in groups if some]
    return render(request, "console/actions/library.html", {"section": "runbooks", "groups": cards})


@require_http_methods(["GET", "POST"])
@allowed("view_runbooks")
def plan_action(request: HttpRequest, name: str) -> HttpResponse:
    """GET is the form, filled in by the address; POST freezes what it would do, for who may propose the action."""
    action = next((each for each in ACTIONS.values() if name in (each.name, str(each))), None)
    if action is None or action.name in NOT_HERE:
        raise Http404
    action = newest(action.name)
    if request.method == "GET":
        return _draw(request, action, request.GET)
    if not may(request.user, action.right):
        return refuse(request, RIGHT_BY_CODENAME[action.right])
    try:
        plan = make_plan(keys_of(action, request.POST), _ask(request, action))
    except Refusal as refusal:
        return _draw(request, action, request.POST, problem=told(str(refusal)))
    return redirect("plan", code=plan.code)


def _ask(request: HttpRequest, action: Action) -> Ask:
    return Ask(
        action=str(action),
        proposer=actor_of(request),
        kind=Plan.Kind.FORM,
        source={"selection": request.POST["selection"]} if request.POST.get("selection") else {},
        params=params_of(action, request.POST),
    )


def _draw(request: HttpRequest, action: Action, given: QueryDict, *, problem: str = "") -> HttpResponse:
    context = {
        "section": "runbooks",
        "card": card_of(action, request),
        "which": which_of(action, given),
        "fields": fields_of(action, given),
        "problem": problem,
    }
    return render(request, "console/actions/form.html", context, status=422 if problem else 200)


def card_of(action: Action, request: HttpRequest) -> Card:
    touch, tone = TOUCH[action.touch]
    switch, undo = stopped_by(action.switch), find(action.undo)
    return Card(
        action=action,
        touch=str(touch),
        tone=tone,
        roles=_roles(roles_with(action.right)),
        approvers=_roles(roles_with(approval_of(action))),
        may=may(request.user, action.right),
        undo=str(undo.label) if undo else "",
        never=str(action.irreversible),
        stopped=switch.reason if switch else "",
    )


def _roles(roles: Sequence[Role]) -> str:
    return ", ".join(str(ROLE_LABELS[role]) for role in roles)
