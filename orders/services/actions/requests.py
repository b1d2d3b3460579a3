"""Asking for an action, and the second pair of eyes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.bells import ring
from orders.errors import NotAllowed, StaleState
from orders.models import OperatorAction, Order
from orders.services.actions.verbs import VERBS, why_not
from orders.services.locks import lock_on
from orders.services.switches import why_stopped
from orders.transitions import lock, record

APPROVAL_TIME = timedelta(minutes=5)
WITHDRAWN = "the run was cancelled before it began"
Status = OperatorAction.Status


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants. `key` is minted with the form: a double click is one action.

    `plan` is set by the run of a plan, for its own rows: then `approver` is who let the whole plan go,
    and no second person is asked for each row again.
    """

    name: str
    actor: str
    reason: str
    expected_version: int
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""
    approver: str = ""


def request(order: Order, wish: Wish) -> OperatorAction:
    """Write the wish down and have it done. Raises a Refusal when it cannot be.

    The same key again answers the action already there.
    """
    with transaction.atomic():
        order = lock(order)
        found = OperatorAction.objects.filter(key=wish.key, order=order).first()
        if found:
            return found
        _refuse(order, wish)
        return _write(order, wish)


def _refuse(order: Order, wish: Wish) -> None:
    if not wish.reason.strip():
        raise NotAllowed(_("A reason is needed: it is kept with the order."))
    if order.version != wish.expected_version:
        raise StaleState(subject=str(order), expected=f"v{wish.expected_version}", found=f"v{order.version}")
    problem = why_not(order, wish.name, {**wish.params, "by": wish.actor})
    if problem:
        raise NotAllowed(problem)
    problem = why_stopped(wish.name) or _held_by_another(order, wish)
    if problem:
        raise NotAllowed(problem)
    running = order.actions.filter(
        name=wish.name, status__in=(Status.QUEUED, Status.RUNNING, Status.AWAITING_APPROVAL)
    ).first()
    if running:
        raise NotAllowed(_("%(actor)s asked for the same already.") % {"actor": running.actor})


def _held_by_another(order: Order, wish: Wish) -> str:
    lock_ = lock_on(order)
    if lock_ is None or lock_.holder == wish.plan:
        return ""
    return _("%(plan)s of %(actor)s is working on this order.") % {"plan": lock_.holder, "actor": lock_.taken_by}


def _write(order: Order, wish: Wish) -> OperatorAction:
    amount = VERBS[wish.name].amount(order, wish.params)
    params = {**wish.params, "amount": amount} if amount else dict(wish.params)
    waits = not wish.plan and needs_second_person(wish.name, params)
    now = timezone.now()
    action = OperatorAction.objects.create(
        order=order,
        name=wish.name,
        params=params,
        reason=wish.reason.strip()[:400],
        actor=wish.actor,
        approver=wish.approver,
        plan=wish.plan,
        expected_state=order.state,
        expected_version=order.version,
        key=wish.key,
        status=Status.AWAITING_APPROVAL if waits else Status.QUEUED,
        approve_by=now + APPROVAL_TIME if waits else None,
        due_at=None if waits else now,
    )
    _remember(action, "action_requested", actor=wish.actor, reason=wish.reason)
    if not waits:
        ring("action")
    return action


def needs_second_person(name: str, params: Mapping[str, Any]) -> bool:
    """Money from settings.SECOND_PERSON_FROM on (style B4); what is let stand, from the first rupiah (ADR 0040)."""
    limits = {"refund": settings.SECOND_PERSON_FROM, "mark_step_done": settings.SECOND_PERSON_FROM, "skip_step": 1}
    return name in limits and int(params.get("amount", 0)) >= limits[name]


def approve(action: OperatorAction, *, actor: str) -> None:
    """The second person lets it go. Raises NotAllowed for the proposer, or too late."""
    with transaction.atomic():
        order = lock(action.order)
        action = OperatorAction.objects.select_for_update(no_key=True).get(pk=action.pk)
        _refuse_approval(action, order, actor=actor)
        action.approver, action.status, action.due_at = actor, Status.QUEUED, timezone.now()
        action.save(update_fields=["approver", "status", "due_at"])
        _remember(action, "action_approved", actor=actor)
        ring("action")


def _refuse_approval(action: OperatorAction, order: Order, *, actor: str) -> None:
    if action.status != Status.AWAITING_APPROVAL:
        raise NotAllowed(_("It does not wait for approval any more."))
    if actor == action.actor:
        raise NotAllowed(_("Who proposed it cannot approve it."))
    if action.approve_by and action.approve_by < timezone.now():
        raise NotAllowed(_("The time to approve it is over; it has to be proposed again."))
    if order.version != action.expected_version:
        raise StaleState(subject=str(order), expected=action.expected_state, found=order.state)


def reject(action: OperatorAction, *, actor: str, reason: str) -> None:
    """A person says no, or takes the own proposal back."""
    with transaction.atomic():
        lock(action.order)
        waiting = OperatorAction.objects.filter(pk=action.pk, status=Status.AWAITING_APPROVAL)
        if not waiting.update(status=Status.REFUSED, outcome=reason[:400], finished_at=timezone.now()):
            raise NotAllowed(_("It does not wait for approval any more."))
        _remember(action, "action_rejected", actor=actor, reason=reason)


def expire() -> int:
    """Proposals nobody approved in time are refused. How many."""
    late = OperatorAction.objects.filter(status=Status.AWAITING_APPROVAL, approve_by__lt=timezone.now())
    return late.update(status=Status.REFUSED, outcome="nobody approved it in time", finished_at=timezone.now())


def withdraw(plan: str, *, actor: str) -> int:
    """Take back what a plan's run asked for and no worker has begun. How many."""
    waiting = OperatorAction.objects.filter(plan=plan, status=Status.QUEUED).select_related("order")
    return sum(_withdraw(action, actor=actor) for action in waiting)


@transaction.atomic
def _withdraw(action: OperatorAction, *, actor: str) -> bool:
    lock(action.order)
    waiting = OperatorAction.objects.filter(pk=action.pk, status=Status.QUEUED)
    if not waiting.update(status=Status.REFUSED, outcome=WITHDRAWN, due_at=None, finished_at=timezone.now()):
        return False
    _remember(action, "action_rejected", actor=actor, reason=WITHDRAWN)
    return True


def _remember(action: OperatorAction, verb: str, *, actor: str, reason: str = "") -> None:
    plan = {"plan": action.plan} if action.plan else {}
    detail = {"action": action.name, "id": action.pk, **plan, **_said(action.params)}
    record(action.order, verb, actor=actor, reason=reason, detail=detail)


def _said(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in ("", None)}
