"""Deeds: what a plan's run asked for on a subject that is no order, carried out by a worker and read back."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.errors import LostLease, NotAllowed, Refusal, StaleState
from orders.leases import after, finish, hold
from orders.models import Order
from orders.services.actions.verb import Result
from orders.services.switches import why_stopped
from orders.transitions import record
from runbooks import reasons
from runbooks.acting import NotYet
from runbooks.models import Deed
from runbooks.registry import Action, find
from runbooks.services import guarding
from runbooks.services.guarding import Seen
from runbooks.subjects import SUBJECTS, Known

Status = Deed.Status
STOPPED_AGAIN = 2.0  # seconds until a deed that a switch stops is looked at again
WITHDRAWN = "the run was cancelled before it began"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One row of a plan that may go: everything that the deed is made of."""

    action: Action
    resource: str
    plan: str
    place: int
    actor: str
    approver: str
    reason: str
    expected_state: str
    expected_version: int
    params: Mapping[str, Any] = field(default_factory=dict)
    repeats: Collection[str] = ()

    @property
    def key(self) -> str:
        return f"{self.plan}:{self.place}"


def request(wanted: Wanted) -> Deed:
    """Write it down and have it done. The same row again answers the deed already there. Raises a Refusal when
    the subject has changed since the plan was made, or the action may not be done any more."""
    found = Deed.objects.filter(key=wanted.key).first()
    if found is not None:
        return found
    known = _as_planned(wanted)
    deed = Deed.objects.create(
        resource=wanted.resource,
        order_id=known.order_id,
        action=str(wanted.action),
        params=dict(wanted.params),
        reason=wanted.reason[:400],
        actor=wanted.actor,
        approver=wanted.approver,
        plan=wanted.plan,
        expected_version=wanted.expected_version,
        key=wanted.key,
        due_at=timezone.now(),
    )
    _tell(deed, "action_requested", reason=deed.reason)
    ring("deed")
    return deed


def _as_planned(wanted: Wanted) -> Known:
    known = now(wanted.resource)
    if known is None:
        raise NotAllowed(reasons.words("is_gone", {}))
    if (known.state, known.version) != (wanted.expected_state, wanted.expected_version):
        raise StaleState(subject=known.public_id, expected=wanted.expected_state, found=known.state)
    again = wanted.action.preview(known, wanted.action.input.model_validate(dict(wanted.params)))
    blocked = guarding.blocked({known.key: Seen(known, again)}, wanted.action, wanted.repeats, holder=wanted.plan)
    found = again if again.why else blocked.get(known.key, again)
    if found.why:
        raise NotAllowed(reasons.words(found.why, found.why_values))
    return known


def now(resource: str) -> Known | None:
    """How a subject stands at this moment; None when it is not there."""
    subject, _colon, key = resource.partition(":")
    return SUBJECTS[subject].gather([key]).get(key)


def work(deed: Deed) -> None:
    """One look at a due deed, leased by the caller."""
    action = find(deed.action)
    if deed.status not in (Status.QUEUED, Status.RUNNING) or action is None or action.perform is None:
        finish(deed, due_at=None)
        return
    if deed.status == Status.QUEUED and why_stopped(action.switch):
        finish(deed, due_at=after(STOPPED_AGAIN))
        return
    if _begin(deed):
        _perform(deed, action.perform)


def _begin(deed: Deed) -> bool:
    """Mark it running. False when its run was cancelled while it was taken."""
    with transaction.atomic():
        hold(deed)
        begun = Deed.objects.filter(pk=deed.pk, status__in=(Status.QUEUED, Status.RUNNING))
        if not begun.update(status=Status.RUNNING):
            finish(deed, due_at=None)
            return False
    deed.status = Status.RUNNING
    return True


def _perform(deed: Deed, perform: Callable[[Deed], Result]) -> None:
    try:
        result = perform(deed)
    except LostLease:
        raise
    except NotYet as reason:
        finish(deed, due_at=ladders.rung(ladders.DEED, deed.tries), last_error=str(reason)[:300])
    except Refusal as refusal:
        _end(deed, Status.REFUSED, Result(False, str(refusal)))
    else:
        _end(deed, result.status, result)


@transaction.atomic
def _end(deed: Deed, status: str, result: Result) -> None:
    hold(deed)
    outcome = result.sentence[:400] or "-"
    finish(deed, due_at=None, status=status, outcome=outcome, finished_at=timezone.now())
    _tell(deed, "action_finished", reason=outcome, status=str(status))
    ring("run")


def withdraw(plan: str) -> int:
    """Take back what a run asked for and no worker has begun. How many."""
    waiting = Deed.objects.filter(plan=plan, status=Status.QUEUED)
    ended = {"status": Status.REFUSED, "outcome": WITHDRAWN, "due_at": None, "finished_at": timezone.now()}
    return waiting.update(**ended)


def _tell(deed: Deed, verb: str, *, reason: str, **more: str) -> None:
    """An order that it is about shows it with every other operator's action."""
    order = Order.objects.filter(pk=deed.order_id).first() if deed.order_id else None
    if order is None:
        return
    name, _at, _version = deed.action.partition("@")
    detail = {"action": name, "deed": deed.pk, "plan": deed.plan, **more}
    record(order, verb, actor=deed.actor, reason=reason[:400], detail=detail)
