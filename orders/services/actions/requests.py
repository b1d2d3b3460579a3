"""Asking for an action, and the second pair of eyes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import names
from orders.bells import ring
from orders.errors import NotAllowed, StaleState
from orders.models import OperatorAction, Order
from orders.services import ledger
from orders.services.actions.verbs import VERBS, why_not
from orders.services.doors import Door, door_of
from orders.services.others import Act, Blocked, in_the_way
from orders.services.price import needs_second_person
from orders.services.switches import why_stopped
from orders.transitions import lock, record

APPROVAL_TIME = timedelta(minutes=5)
WITHDRAWN = "the run was cancelled before it began"
Status = OperatorAction.Status


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants. `key` is minted with the form: a double click is one action.

    `plan` is set by the run of a plan, for its own rows: then `approver` is who let the whole plan go,
    and no second person is asked for each row again. `repeats` names what is done again on purpose, `seen` the
    action up to which its person has read the results (`others.Act`). `balance` is what of the customer's money
    was held when its person looked, in minor units; None where they were not shown it.
    """

    name: str
    actor: str
    reason: str
    expected_version: int
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""
    approver: str = ""
    repeats: Collection[str] = ()
    seen: int = 0
    balance: int | None = None


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
    """Every guard there is, for single actions and rows of plans alike (ADR 0088). Lock: order."""
    if not wish.reason.strip():
        raise NotAllowed(_("A reason is needed: it is kept with the order."))
    if order.version != wish.expected_version:
        raise StaleState(subject=str(order), expected=f"v{wish.expected_version}", found=f"v{order.version}")
    if wish.balance is not None and wish.balance != ledger.balance(order):
        raise StaleState(subject=str(order), expected=str(wish.balance), found=str(ledger.balance(order)))
    problem = why_not(order, wish.name, {**wish.params, "by": wish.actor}) or why_stopped(wish.name)
    if problem:
        raise NotAllowed(problem)
    _refuse_because_of_others(order, wish)
    if not wish.plan and (shut := shut_out(order, wish.name, wish.params)):
        raise NotAllowed(shut)


def _refuse_because_of_others(order: Order, wish: Wish) -> None:
    act = Act(wish.name, VERBS[wish.name].cool_down, wish.repeats, wish.seen)
    blocked = in_the_way({order.pk: (order.pk, wish.params)}, act, holder=wish.plan, alone=True)
    if order.pk in blocked:
        raise Blocked(blocked[order.pk])


def shut_out(order: Order, name: str, params: Mapping[str, Any]) -> str:
    """Why a single action would not get through to its neighbour now, as a sentence; a run waits instead."""
    neighbour = VERBS[name].neighbour(order, params)
    if door_of(neighbour) != Door.SHUT:
        return ""
    return _("The breaker of %(neighbour)s is open: nothing gets through.") % {"neighbour": names.system(neighbour)}


def _write(order: Order, wish: Wish) -> OperatorAction:
    amount = VERBS[wish.name].amount(order, wish.params)
    params = {**wish.params, "amount": amount} if amount else dict(wish.params)
    waits = not wish.plan and needs_second_person(wish.name, params, currency=order.currency, actor=wish.actor)
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
        due_at=None if waits else _turn(wish, now),
    )
    _remember(action, "action_requested", actor=wish.actor, reason=wish.reason)
    if not waits:
        ring("action")
    return action


def _turn(wish: Wish, now: datetime) -> datetime:
    """When a worker may begin: at once, and where many ask by hand one after another, at the action's rate."""
    if wish.plan:
        return now
    rate, by_hand = VERBS[wish.name].rate, OperatorAction.objects.filter(plan="", name=wish.name)
    if by_hand.filter(created_at__gt=now - timedelta(seconds=1)).count() < rate:
        return now
    last = by_hand.filter(created_at__gt=now - timedelta(minutes=10)).aggregate(last=Max("due_at"))["last"] or now
    return max(now, last + timedelta(seconds=1 / rate))


def approve(action: OperatorAction, *, actor: str, note: str = "") -> None:
    """The second person lets it go. Raises NotAllowed for the proposer, or too late."""
    with transaction.atomic():
        order = lock(action.order)
        action = OperatorAction.objects.select_for_update(no_key=True).get(pk=action.pk)
        _refuse_approval(action, order, actor=actor)
        action.approver, action.status, action.due_at = actor, Status.QUEUED, timezone.now()
        action.save(update_fields=["approver", "status", "due_at"])
        _remember(action, "action_approved", actor=actor, reason=note.strip()[:400])
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
    _refuse_what_waited(action, order)


def _refuse_what_waited(action: OperatorAction, order: Order) -> None:
    """What stands in its way by now: a switch, a run, or another act at work."""
    problem = why_stopped(action.name)
    if problem:
        raise NotAllowed(problem)
    blocked = in_the_way({0: (order.pk, action.params)}, Act(action.name, timedelta(0)), alone=True, but=action.pk)
    if 0 in blocked:
        raise Blocked(blocked[0])


def reject(action: OperatorAction, *, actor: str, reason: str) -> None:
    """A person says no, or takes the own proposal back."""
    with transaction.atomic():
        lock(action.order)
        waiting = OperatorAction.objects.filter(pk=action.pk, status=Status.AWAITING_APPROVAL)
        if not waiting.update(status=Status.REFUSED, outcome=reason[:400], finished_at=timezone.now()):
            raise NotAllowed(_("It does not wait for approval any more."))
        is_own = actor == action.actor
        _remember(action, "action_withdrawn" if is_own else "action_rejected", actor=actor, reason=reason)


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
    _remember(action, "action_withdrawn", actor=actor, reason=WITHDRAWN)
    return True


def _remember(action: OperatorAction, verb: str, *, actor: str, reason: str = "") -> None:
    plan = {"plan": action.plan} if action.plan else {}
    detail = {"action": action.name, "id": action.pk, **plan, **_said(action.params)}
    record(action.order, verb, actor=actor, reason=reason, detail=detail)


def _said(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in ("", None)}
