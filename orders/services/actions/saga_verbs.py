"""What a person may do to a saga: try a step again, let it stand, say it is done, turn back (ADR 0040).

A wish names the saga by its number on the order, the step by its number in the saga, and the version of
each that the person saw; both are compared again under lock. `LEGAL` is the whole rule of what is possible
where; the edge table has the last word.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from orders.bells import ring
from orders.errors import NotAllowed, StaleState
from orders.leases import OTHERS, claim_one, finish, hold
from orders.models import History, OperatorAction, Order, Saga, Step
from orders.services import declared
from orders.services.actions.carrying import take
from orders.services.actions.verb import Result, Verb
from orders.states import SagaState, SagaVerb, StepState, StepVerb
from orders.transitions import lock, move, record

Pairs = frozenset[tuple[str, str]]
LOOKS: Final = 8
_RUN, _BACK, _HAND = SagaState.RUNNING, SagaState.COMPENSATING, SagaState.NEEDS_HAND
_OPEN: Final = (StepState.SENT, StepState.UNKNOWN)

# (saga, step) states in which each is possible. `compensate_saga` is about all steps at once.
LEGAL: Final[Mapping[str, Pairs]] = MappingProxyType(
    {
        "retry_step": frozenset(
            {
                *((_RUN, state) for state in (StepState.PENDING, *_OPEN)),
                *((_BACK, state) for state in (StepState.UNDOING, *_OPEN)),
                (_HAND, StepState.UNDO_FAILED),
            }
        ),
        "skip_step": frozenset({(_HAND, StepState.UNDO_FAILED)}),
        "mark_step_done": frozenset(
            {
                *((_RUN, state) for state in _OPEN),
                (_BACK, StepState.UNDOING),
                (_HAND, StepState.UNDO_FAILED),
            }
        ),
        "compensate_saga": frozenset((state, step) for state in (_RUN, _HAND) for step in ("", *StepState.values)),
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """The saga a wish is about, and its step; None where it is about all of them."""

    saga: Saga
    step: Step | None

    @property
    def the_step(self) -> Step:
        """Raises NotAllowed where there is none."""
        if self.step is None:
            raise NotAllowed(_("There is no such step."))
        return self.step


def subject_of(order: Order, params: Mapping[str, Any]) -> Subject | None:
    """None when the order has no such saga, or the saga no such step."""
    number = int(params.get("saga") or 0)
    saga = order.sagas.order_by("pk")[number - 1 : number].first() if number > 0 else None
    if saga is None:
        return None
    if not params.get("step"):
        return Subject(saga, None)
    step = saga.steps.select_related("item", "order").filter(number=params["step"]).first()
    return Subject(saga, step) if step else None


def may(name: str, saga: Saga, step: Step | None) -> bool:
    """Whether the machines allow it from where they are."""
    if (step is None) != (name == "compensate_saga"):
        return False
    return (saga.state, step.state if step else "") in LEGAL[name]


def _not(name: str) -> Callable[[Order, Mapping[str, Any]], str]:
    def why_not(order: Order, params: Mapping[str, Any]) -> str:
        subject = subject_of(order, params)
        if subject is None:
            return _("There is no such step.")
        if not _is_as_seen(subject, params):
            return _("It moved on since you looked. Nothing was done.")
        if not may(name, subject.saga, subject.step):
            return _refusal(subject)
        if name == "mark_step_done" and "evidence" in params and not _has_evidence(params):
            return _("Evidence needs both: what was seen, and a reference to it.")
        return ""

    return why_not


def _has_evidence(params: Mapping[str, Any]) -> bool:
    return all(str(params.get(each, "")).strip() for each in ("evidence", "reference"))


def _refusal(subject: Subject) -> str:
    if subject.step is None:
        return _("The saga is “%(saga)s”: there is nothing to undo now.") % {"saga": subject.saga.state_label}
    states = {"saga": subject.saga.state_label, "step": subject.step.state_label}
    return _("Not possible while the saga is “%(saga)s” and the step “%(step)s”.") % states


def _is_as_seen(subject: Subject, params: Mapping[str, Any]) -> bool:
    seen = (("saga_version", subject.saga), ("step_version", subject.step))
    return all(name not in params or (row is not None and row.version == int(params[name])) for name, row in seen)


def at_stake(order: Order, params: Mapping[str, Any]) -> int:
    """What the step's effect is worth: its item's price, else the whole order. Minor units."""
    subject = subject_of(order, params)
    if subject is None or subject.step is None:
        return 0
    item = subject.step.item
    return item.amount if item is not None else order.amount


Change = Callable[[OperatorAction, Subject], None]


def _perform(name: str, change: Change) -> Callable[[OperatorAction, Order], Result]:
    def perform(action: OperatorAction, order: Order) -> Result:
        subject = subject_of(order, action.params)
        if subject is None:
            raise NotAllowed(_("There is no such step."))
        _change(action, name, subject, change)
        _carry_on(action, subject.saga)
        return _read_back(subject_of(order, action.params) or subject)

    return perform


def _change(action: OperatorAction, name: str, subject: Subject, change: Change) -> None:
    """The person's own move, once: a second worker after a death finds it in the history."""
    saga = claim_one(subject.saga)
    if saga is None:
        raise NotAllowed(_("It is being worked on at this moment; try again."))
    try:
        with transaction.atomic():
            lock(action.order)
            hold(saga)
            now = Subject(saga, lock(subject.step) if subject.step else None)
            if not _was_done(action):
                _refuse(action, name, now)
                change(action, now)
            finish(saga, due_at=timezone.now())
    except (NotAllowed, StaleState):
        finish(saga, due_at=subject.saga.due_at)
        raise
    ring("saga")


def _was_done(action: OperatorAction) -> bool:
    return History.objects.filter(order_id=action.order_id, detail__by_action=action.pk).exists()


def _refuse(action: OperatorAction, name: str, subject: Subject) -> None:
    """Raises a Refusal: then nothing is written."""
    if not _is_as_seen(subject, action.params):
        seen = subject.step or subject.saga
        raise StaleState(subject=str(seen), expected=_("as you saw it"), found=str(seen.state_label))
    if not may(name, subject.saga, subject.step):
        raise NotAllowed(_refusal(subject))


def _retry(action: OperatorAction, subject: Subject) -> None:
    """An undo that failed goes again; what waits is looked at now."""
    _free(subject.the_step)
    if subject.saga.state == SagaState.NEEDS_HAND:
        _compensate(action, subject.saga, tries=0)
        return
    Saga.objects.filter(pk=subject.saga.pk).update(tries=0)
    record(action.order, "step_retried", subject=subject.the_step, **_by(action))


def _let_stand(action: OperatorAction, subject: Subject) -> None:
    move(subject.the_step, StepVerb.LET_STAND, due_at=None, **_by(action))
    _compensate(action, subject.saga)


def _mark_done(action: OperatorAction, subject: Subject) -> None:
    """Forwards it happened, backwards it was undone: a person saw it, the partner's system did not tell us."""
    step = subject.the_step
    _free(step)
    if step.state in _OPEN:
        reference = str(action.params.get("reference", ""))[:80]
        move(step, StepVerb.FINISH, partner_reference=reference, due_at=None, **_by(action))
        return
    move(step, StepVerb.FINISH_UNDO, due_at=None, last_error="", **_by(action))
    if subject.saga.state == SagaState.NEEDS_HAND:
        _compensate(action, subject.saga)


def _turn_back(action: OperatorAction, subject: Subject) -> None:
    _compensate(action, subject.saga, tries=0, failure=action.reason[:200], undone_for=action.actor)


def _compensate(action: OperatorAction, saga: Saga, **changes: Any) -> None:
    move(saga, SagaVerb.COMPENSATE, cause="", **changes, **_by(action))


def _free(step: Step) -> None:
    """What a worker still has in its hand is not taken from it."""
    if step.lease_until is not None and step.lease_until > timezone.now():
        raise NotAllowed(_("It is being worked on at this moment; try again."))


def _by(action: OperatorAction) -> dict[str, Any]:
    evidence = {name: action.params[name] for name in ("evidence", "reference") if action.params.get(name)}
    return {"actor": action.actor, "reason": action.reason, "detail": {"by_action": action.pk, **evidence}}


def _carry_on(action: OperatorAction, saga: Saga) -> None:
    """Let the saga go as far as it goes without waiting, so that the answer is what became of it."""
    until = time.monotonic() + OTHERS
    for _look in range(LOOKS):
        saga = Saga.objects.get(pk=saga.pk)
        if saga.due_at is None or saga.due_at > timezone.now():
            return
        mine = take(action, saga, until=until)
        if mine is None:
            return
        if mine.due_at is not None and mine.due_at > timezone.now():
            finish(mine, due_at=mine.due_at)
            return
        declared.work(mine)


_GOOD: Final = (StepState.DONE, StepState.UNDONE, StepState.SKIPPED)


def _read_back(subject: Subject) -> Result:
    saga, step = subject.saga, subject.step
    if step is None:
        said, is_going = _("The saga is now %(label)s.") % {"label": saga.state_label}, saga.state == _BACK
        return Result(saga.state == SagaState.COMPENSATED, said, accepted=is_going)
    states = {"label": step.state_label, "other": saga.state_label}
    return Result(step.state in _GOOD, _("The step is now %(label)s, the saga %(other)s.") % states)


def _verb(name: str, label: str, change: Change, *, cool_down: timedelta = timedelta(0)) -> Verb:
    return Verb(_perform(name, change), _not(name), label, amount=at_stake, cool_down=cool_down)


SAGA_VERBS: Final[Mapping[str, Verb]] = {
    "retry_step": _verb("retry_step", gettext_noop("Retry step"), _retry),
    "mark_step_done": _verb("mark_step_done", gettext_noop("Mark step done"), _mark_done),
    "skip_step": _verb("skip_step", gettext_noop("Let it stand"), _let_stand),
    "compensate_saga": _verb(
        "compensate_saga", gettext_noop("Undo all now"), _turn_back, cool_down=timedelta(minutes=10)
    ),
}
