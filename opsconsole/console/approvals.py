"""What waits for a second person: what will happen, how long there is, yes or no. Never the proposer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console import transfer
from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED, told
from opsconsole.console.action_dialogs import effects_of
from opsconsole.console.live import answer, is_fragment, toast
from opsconsole.console.plan_dialogs import effect_of
from opsconsole.console.plan_words import label_of
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.saga import effects_of as saga_effects_of
from opsconsole.console.saga_choices import KINDS as SAGA_KINDS
from opsconsole.console.staff import actor_name, actor_of
from orders.errors import Refusal, StaleState
from orders.queries.order_page import people
from orders.queries.sentences import ACTIONS
from orders.queries.telling import who
from orders.services import approvals
from orders.services.approvals import Waiting
from runbooks.models import Plan
from runbooks.queries import plans
from runbooks.registry import find


@dataclass(frozen=True, kw_only=True)
class ShownWaiting:
    """`left` is the time there is to approve it; None where no clock runs."""

    waiting: Waiting
    proposer: str
    is_mine: bool
    left: timedelta | None

    @property
    def label(self) -> str:
        return str(ACTIONS[self.waiting.name])

    @property
    def is_refund(self) -> bool:
        return self.waiting.name == "refund"


def _shown(found: Sequence[Waiting], user: Any) -> list[ShownWaiting]:
    names = people(each.proposer for each in found)
    now = timezone.now()
    return [
        ShownWaiting(
            waiting=each,
            proposer=who(each.proposer, names),
            is_mine=each.proposer == actor_name(user),
            left=each.until - now if each.until else None,
        )
        for each in found
    ]


@dataclass(frozen=True, kw_only=True)
class ShownPlan:
    """A plan that waits. `effect` is what it would do, in one sentence."""

    plan: Plan
    label: str
    effect: str
    proposer: str
    is_mine: bool
    left: timedelta


def _plans(user: Any) -> list[ShownPlan]:
    found = plans.plans("waiting")
    names, now = people(each.proposer for each in found), timezone.now()
    return [
        ShownPlan(
            plan=each,
            label=label_of(each),
            effect=effect_of(each, find(each.action)),
            proposer=who(each.proposer, names),
            is_mine=each.proposer == actor_name(user),
            left=max((each.approve_by or now) - now, timedelta(0)),
        )
        for each in found
    ]


@require_GET
@allowed("approve_plan")
def waiting(request: HttpRequest) -> HttpResponse:
    """Plans for whoever may approve them; refunds of single orders for whoever may approve those."""
    may_refunds = request.user.has_perm(RIGHT_BY_CODENAME["approve_refund"].permission)
    shown = _shown(approvals.waiting(), request.user) if may_refunds else []
    context = {
        "shown": shown,
        "sees_refunds": may_refunds,
        "plans": (waits := _plans(request.user)),
        "plans_count": len(waits),
        "limit": settings.SECOND_PERSON_FROM,
        "section": "orders",
    }
    return answer(request, "console/approvals.html", "console/approvals_list.html", context)


@require_http_methods(["GET", "POST"])
@allowed("approve_refund")
def decide(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """GET is the dialog, computed anew from how things are now; POST says yes or no."""
    if request.method == "POST":
        return _decide(request, kind, pk)
    found = approvals.find(kind, pk)
    if found is None:
        return _answered(request, _("It does not wait for approval any more."), tone="failed")
    return _draw(request, found)


def _decide(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    actor, wants = actor_of(request), request.POST.get("decision", "")
    try:
        if wants == "approve":
            approvals.approve(kind, pk, actor=actor, note=request.POST.get("reason", ""))
            return _answered(request, _("Approved. The result follows on the order."))
        approvals.reject(kind, pk, actor=actor, reason=request.POST.get("reason", ""))
    except StaleState:
        text = _("The order changed since this was proposed. Nothing was done; it has to be proposed again.")
        return _answered(request, text, tone="failed")
    except Refusal as refusal:
        return _answered(request, told(str(refusal)), tone="failed")
    return _answered(request, _("Rejected. Nothing was done."))


def _draw(request: HttpRequest, found: Waiting) -> HttpResponse:
    context = {
        "shown": _shown([found], request.user)[0],
        "effects": _effects(found),
        "order": found.order,
        "section": "orders",
    }
    if is_fragment(request):
        return render(request, "console/approval_dialog.html", context)
    return render(request, "console/approval_page.html", {**context, "is_page": True})


def _effects(found: Waiting) -> Sequence[str]:
    if found.name in SAGA_KINDS:
        return saga_effects_of(found.order, found.name, found.params)
    if found.name == transfer.NAME:
        return transfer.effects_to_approve(found.order, found.params)
    return effects_of(found.order, found.name, found.amount)


def _answered(request: HttpRequest, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    add = messages.error if tone == "failed" else messages.success
    add(request, text)
    return redirect("approvals")
