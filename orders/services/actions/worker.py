"""Performing an action: re-checked under lock, done, read back, written down."""

from django.db import transaction
from django.utils import timezone

from orders.bells import ring
from orders.errors import LostLease, Refusal
from orders.leases import after, finish, hold
from orders.models import OperatorAction, Order
from orders.services.actions.verb import Result
from orders.services.actions.verbs import VERBS
from orders.services.switches import why_stopped
from orders.transitions import lock, record

Status = OperatorAction.Status
STOPPED_AGAIN = 2.0  # seconds until an action that a switch stops is looked at again


def work(action: OperatorAction) -> None:
    """One look at a due action, leased by the caller."""
    if action.status not in (Status.QUEUED, Status.RUNNING):
        finish(action, due_at=None)
        return
    stopped = why_stopped(action.name) if action.status == Status.QUEUED else ""
    if stopped:
        _stop(action, stopped)
        return
    order = _begin(action)
    if order is None:
        return
    try:
        result = VERBS[action.name].perform(action, order)
    except LostLease:
        raise
    except Refusal as refusal:
        _end(action, Status.REFUSED, str(refusal))
    else:
        _end(action, result.status, _sentence(result))


def _stop(action: OperatorAction, why: str) -> None:
    """A run's row waits, because its run can be let go on. What a person asked for is not done hours later."""
    if action.plan:
        finish(action, due_at=after(STOPPED_AGAIN))
    else:
        _end(action, Status.REFUSED, why)


def _begin(action: OperatorAction) -> Order | None:
    """Mark it running, unless the order moved on since the operator looked.

    A second worker after a death finds it running and goes on: every verb looks before it acts.
    """
    with transaction.atomic():
        order = lock(action.order)
        hold(action)
        if action.status == Status.QUEUED and order.version != action.expected_version:
            sentence = f"the order has changed since: it is {order.state} now"
            _write_end(action, order, Status.REFUSED, sentence)
            return None
        begun = OperatorAction.objects.filter(pk=action.pk, status__in=(Status.QUEUED, Status.RUNNING))
        if not begun.update(status=Status.RUNNING):
            finish(action, due_at=None)  # its run was cancelled while we took it
            return None
        action.status = Status.RUNNING
        return order


def _end(action: OperatorAction, status: str, sentence: str) -> None:
    with transaction.atomic():
        order = lock(action.order)
        hold(action)
        _write_end(action, order, status, sentence)


def _write_end(action: OperatorAction, order: Order, status: str, sentence: str) -> None:
    finish(action, due_at=None, status=status, outcome=sentence[:400], finished_at=timezone.now())
    plan = {"plan": action.plan} if action.plan else {}
    detail = {"action": action.name, "id": action.pk, "status": str(status), **plan}
    if action.plan:
        ring("run")
    record(order, "action_finished", actor=action.actor, reason=sentence[:400], detail=detail)


def _sentence(result: Result) -> str:
    return result.sentence or "-"
