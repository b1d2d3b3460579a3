"""Letting a plan go: by its proposer, by a second person, or with the glass broken. Never a changed one.

Whoever decides names the hash of what they read; what the database holds is hashed anew. Starting takes the
locks of all orders of the plan and makes the run, in the same transaction.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.bells import ring
from orders.errors import NotAllowed
from orders.services import locks, price
from orders.services.switches import why_stopped
from runbooks import policies
from runbooks.digest import digest_now
from runbooks.models import Plan, PlanRow, ReviewItem, Run
from runbooks.policies import Size
from runbooks.registry import find
from runbooks.states import PlanState, PlanVerb, Risk, RowState
from runbooks.transitions import lock_plan, move_plan

APPROVAL_TIME: Final = timedelta(minutes=5)
WARNING: Final = timedelta(minutes=1)  # before the end of that time the page says so
# What a plan froze is the past soon: an unused one is made again rather than started.
USABLE_FOR: Final = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Go:
    """Who lets a plan go. `hash` is that of the page they read; `typed` the sum they typed again, in minor
    units; `phrase` what breaks the glass."""

    actor: str
    hash: str
    reason: str = ""
    typed: int | None = None
    phrase: str = ""


def glass_phrase(plan: Plan) -> str:
    """What has to be typed to start a plan without its second person."""
    return f"ALONE {plan.code}"


def start(plan: Plan, go: Go) -> Run:
    """The proposer starts what needs nobody else. Raises NotAllowed, and then nothing has happened."""
    with transaction.atomic():
        plan = _fresh(plan, go)
        if plan.risk == Risk.SECOND_PERSON or _is_over_hour_now(plan):
            raise NotAllowed(_("A second person has to approve it."))
        _given(plan, go)
        return _start(plan, PlanVerb.START, go)


def propose(plan: Plan, go: Go) -> None:
    """Ask for a second person: five minutes from now on. Raises NotAllowed."""
    with transaction.atomic():
        plan = _fresh(plan, go)
        _given(plan, go)
        until = timezone.now() + APPROVAL_TIME
        move_plan(
            plan, PlanVerb.PROPOSE, actor=go.actor, told=go.reason, reason=go.reason.strip()[:400], approve_by=until
        )


def approve(plan: Plan, go: Go) -> Run:
    """The second person starts it. Raises NotAllowed for the proposer, too late, or another hash."""
    with transaction.atomic():
        plan = lock_plan(plan)
        if go.actor == plan.proposer:
            raise NotAllowed(_("Who proposed it cannot approve it."))
        _still_waits(plan)
        _is_what_was_read(plan, go)
        return _start(plan, PlanVerb.APPROVE, go, approver=go.actor)


def _still_waits(plan: Plan) -> None:
    waits, now = plan.state == PlanState.AWAITING_APPROVAL, timezone.now()
    if plan.state == PlanState.EXPIRED or (waits and (plan.approve_by is None or plan.approve_by < now)):
        raise NotAllowed(_("The time to approve it is over; it has to be proposed again."))
    if not waits:
        raise NotAllowed(_("It does not wait for approval any more."))


def break_glass(plan: Plan, go: Go) -> Run:
    """The proposer starts it alone, in an emergency: typed, written down, and reviewed by somebody else."""
    with transaction.atomic():
        plan = lock_plan(plan)
        if go.actor != plan.proposer:
            raise NotAllowed(_("Only who proposed it can start it alone."))
        if go.phrase.strip() != glass_phrase(plan):
            raise NotAllowed(_("Type “%(phrase)s” to start it alone.") % {"phrase": glass_phrase(plan)})
        _needs_reason(go)
        _is_usable(plan)
        _is_what_was_read(plan, go)
        run = _start(plan, PlanVerb.BREAK_GLASS, go, is_glass_broken=True)
        ReviewItem.objects.create(plan=plan, opened_by=go.actor)
        return run


def reject(plan: Plan, *, actor: str, reason: str) -> None:
    """A second person says no. Raises NotAllowed without a reason, or when it does not wait any more."""
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
    with transaction.atomic():
        plan = lock_plan(plan)
        if actor == plan.proposer:
            raise NotAllowed(_("Who proposed it takes it back instead."))
        _end(plan, PlanVerb.REJECT, actor=actor, reason=reason)


def withdraw(plan: Plan, *, actor: str) -> None:
    """The proposer takes it back. Raises NotAllowed for anybody else, or once it has started."""
    with transaction.atomic():
        plan = lock_plan(plan)
        if actor != plan.proposer:
            raise NotAllowed(_("Only who proposed it can take it back."))
        _end(plan, PlanVerb.WITHDRAW, actor=actor, reason="")


def close_review(item: ReviewItem, *, actor: str, finding: str) -> None:
    """Somebody else has looked at what ran without a second person. Raises NotAllowed."""
    if not finding.strip():
        raise NotAllowed(_("Say what you found."))
    if actor == item.opened_by:
        raise NotAllowed(_("Who started it alone cannot review it."))
    values = {"closed_by": actor, "closed_at": timezone.now(), "finding": finding.strip()[:400]}
    if not ReviewItem.objects.filter(pk=item.pk, closed_by="").update(**values):
        raise NotAllowed(_("It has been reviewed already."))


def expire() -> int:
    """Plans nobody approved in time, and plans nobody used, can be started no more. How many."""
    now = timezone.now()
    late = Plan.objects.filter(state=PlanState.AWAITING_APPROVAL, approve_by__lt=now)
    unused = Plan.objects.filter(state=PlanState.PLANNED, created_at__lt=now - USABLE_FOR)
    return sum(_expire(plan) for plan in (*late[:200], *unused[:200]))


@transaction.atomic
def _expire(plan: Plan) -> bool:
    try:
        _end(plan, PlanVerb.EXPIRE, actor="policy:expiry", reason="")
    except NotAllowed:
        return False
    return True


def _end(plan: Plan, verb: PlanVerb, *, actor: str, reason: str) -> None:
    move_plan(plan, verb, actor=actor, told=reason, decided_at=timezone.now(), said=reason.strip()[:400])


def _fresh(plan: Plan, go: Go) -> Plan:
    """Locked, its proposer's own, and what was read."""
    plan = lock_plan(plan)
    if go.actor != plan.proposer:
        raise NotAllowed(_("Only who made the plan can start it."))
    _is_usable(plan)
    _is_what_was_read(plan, go)
    return plan


def _is_usable(plan: Plan) -> None:
    if plan.created_at < timezone.now() - USABLE_FOR:
        raise NotAllowed(_("The plan is too old: plan again."))
    if not plan.eligible:
        raise NotAllowed(_("Nothing in it can be done."))
    if policies.is_too_large(size_of(plan)):
        raise NotAllowed(_("It is more than one run may touch: narrow the selection."))


def _is_what_was_read(plan: Plan, go: Go) -> None:
    if go.hash != plan.hash or digest_now(plan) != plan.hash:
        raise NotAllowed(_("The rows are not those that were read. Nothing was done; plan again."))


def _given(plan: Plan, go: Go) -> None:
    """The reason, and the typed sum, that its risk asks for."""
    if plan.risk != Risk.NONE:
        _needs_reason(go)
    action = find(plan.action)
    is_money = action is not None and action.touch == "money"
    if is_money and go.typed != policies.to_type(size_of(plan)):
        raise NotAllowed(_("This is not the sum above."))


def _needs_reason(go: Go) -> None:
    if not go.reason.strip():
        raise NotAllowed(_("A reason is needed: it is kept with the order."))


def to_type(plan: Plan) -> int:
    """What has to be typed again to start or propose it (`policies.to_type`)."""
    return policies.to_type(size_of(plan))


def size_of(plan: Plan) -> Size:
    return Size(plan.eligible, plan.money)


def _is_over_hour_now(plan: Plan) -> bool:
    orders, money = price.within_hour(plan.proposer)
    return policies.is_over_hour(Size(plan.eligible, plan.money, orders, money))


def _start(plan: Plan, verb: PlanVerb, go: Go, **changes: object) -> Run:
    action = find(plan.action)
    problem = why_stopped(action.switch) if action else _("There is no such action.")
    if problem:
        raise NotAllowed(problem)
    reason = plan.reason or go.reason.strip()[:400]
    move_plan(plan, verb, actor=go.actor, told=go.reason, reason=reason, decided_at=timezone.now(), **changes)
    run = Run.objects.create(plan=plan, due_at=timezone.now(), allowance=1)  # the first row need not wait
    _take_locks(plan)
    ring("run")
    return run


def _take_locks(plan: Plan) -> None:
    """Its subjects are its own until each row has ended; those that another run has are skipped, by name."""
    keys = defaultdict(list)
    for row in plan.rows.filter(place__isnull=False).only("pk", "order_id", "resource"):
        keys[row.lock_key].append(row.pk)
    for key, other in locks.take(keys, holder=plan.code, by=plan.proposer).items():
        PlanRow.objects.filter(pk__in=keys[key]).update(
            state=RowState.SKIPPED,
            why="in_run",
            why_values={"plan": other.holder, "actor": other.taken_by},
            ended_at=timezone.now(),
        )
