"""The saga engine: effects outside, each once, undone in reverse when one cannot be had.

One look at a saga is one wave of calls, short enough for its lease. Every step is marked `sent`,
in its own transaction, before its call; a step found `sent` by a later worker was left by one that
died, so it is asked about by its key and never simply repeated.

A call that a breaker turned away was no try (ADR 0048): it is made when the breaker lets it through, within the
five minutes that the saga has for going forward, and again for going back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from orders import crew, ladders
from orders.leases import claim_one, finish, hold
from orders.models import Order, Saga, Step
from orders.resilience import breaker
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from orders.states import HandCause, SagaState, SagaVerb, StepState, StepVerb
from orders.transitions import lock, move

LIMIT = timedelta(minutes=5)
TRIES = 3
TURNED_AWAY_AGAIN = timedelta(seconds=2)  # at least, where the breaker lets only probes through
OVER = (StepState.DONE, StepState.SKIPPED)
UNDOABLE = (StepState.SENT, StepState.DONE, StepState.UNKNOWN)


class Declaration(Protocol):
    """What one kind of saga does outside, and what its ends mean for the order.

    `send`, `ask` and `undo` call a neighbour; the rest run inside a transaction that holds the
    order and the saga.
    """

    kind: str

    def send(self, step: Step) -> Outcome[str]:
        """Have it done. Answers the partner's reference."""

    def ask(self, step: Step) -> Outcome[str | None]:
        """Whether it was done: the partner's reference, or None."""

    def undo(self, step: Step) -> Outcome[None]:
        """Have it undone. Answers also when there was nothing to undo."""

    def begin(self, order: Order) -> bool:
        """Let the order enter the saga. False: it is no longer wanted."""

    def is_waiting(self, step: Step) -> bool:
        """Whether a pending step waits for somebody else and must not be sent."""

    def is_complete(self, steps: Sequence[Step]) -> bool:
        """Whether these are all steps there will be."""

    def wait(self, order: Order, step: Step, reason: str) -> bool:
        """The partner is away. True when the step was put into a queue of its own."""

    def waiting(self, order: Order) -> bool:
        """All that is left waits. True where it does so in a queue with a clock of its own."""

    def succeeded(self, order: Order, saga: Saga) -> None:
        """Every step is done."""

    def compensated(self, order: Order, saga: Saga) -> None:
        """Every step that ran is undone."""


def run(saga: Saga, declaration: Declaration) -> None:
    """One look at a due saga, leased by the caller."""
    if saga.state == SagaState.RUNNING:
        _forward(saga, declaration)
    elif saga.state == SagaState.COMPENSATING:
        _backward(saga, declaration)
    else:
        finish(saga, due_at=None)


def _forward(saga: Saga, declaration: Declaration) -> None:
    with transaction.atomic():
        order = lock(saga.order)
        hold(saga)
        if not declaration.begin(order):
            _turn_back(saga, f"order is {order.state}")
            return
    steps = [step for step in _steps(saga) if _is_workable(step, declaration)]
    outcomes = crew.each(lambda step: _advance(step, declaration), steps, crew="steps")
    reopens_at = _reopens_at(steps, outcomes)
    with transaction.atomic():
        order = lock(saga.order)
        hold(saga)
        _weigh(order, saga, declaration, reopens_at)


def _steps(saga: Saga) -> list[Step]:
    return list(saga.steps.select_related("item", "order", "saga").order_by("number"))


def _is_workable(step: Step, declaration: Declaration) -> bool:
    if step.state == StepState.PENDING:
        return not declaration.is_waiting(step)
    return step.state in (StepState.SENT, StepState.UNKNOWN)


def _was_turned_away(outcome: Outcome[Any] | None) -> bool:
    """Nothing was sent, and not for want of the neighbour: its breaker, or our own haste."""
    return isinstance(outcome, Retryable) and outcome.ours


def _reopens_at(steps: Sequence[Step], outcomes: Sequence[Outcome[Any] | None]) -> datetime | None:
    """When the first of those that were turned away may be sent; None where something else was going on as well."""
    open_ones = [
        (step, outcome)
        for step, outcome in zip(steps, outcomes, strict=True)
        if not isinstance(outcome, Answered | Refused)
    ]
    if not open_ones or not all(_was_turned_away(outcome) for _step, outcome in open_ones):
        return None
    partners = {step.partner for step, _outcome in open_ones}
    return min(breaker.wait_for(name, at_least=TURNED_AWAY_AGAIN) for name in partners)


def _advance(step: Step, declaration: Declaration) -> Outcome[Any] | None:
    mine = claim_one(step)
    if mine is None:
        return None
    if mine.state == StepState.PENDING:
        return _send(mine, declaration)
    return _ask(mine, declaration) if mine.state in (StepState.SENT, StepState.UNKNOWN) else None


def _send(step: Step, declaration: Declaration) -> Outcome[str]:
    with transaction.atomic():
        lock(step.order)
        hold(step)
        move(step, StepVerb.SEND, actor="worker", sent_at=timezone.now())
    outcome = declaration.send(step)
    with transaction.atomic():
        order = lock(step.order)
        hold(step)
        _write_sent(order, step, outcome, declaration)
    return outcome


def _write_sent(order: Order, step: Step, outcome: Outcome[str], declaration: Declaration) -> None:
    actor = f"partner:{step.partner}"
    if isinstance(outcome, Answered):
        move(step, StepVerb.FINISH, actor=actor, partner_reference=outcome.data, answer="booked")
    elif isinstance(outcome, Refused):
        move(step, StepVerb.FAIL, actor=actor, reason=_said(outcome), answer=_said(outcome))
    elif isinstance(outcome, Retryable):
        move(step, StepVerb.RETRY, actor="worker", reason=outcome.reason)
        _unavailable(order, step, outcome, declaration)
    else:
        move(step, StepVerb.LOSE, actor="worker", reason=outcome.reason)
    finish(step, due_at=None, tries=_tries(step, outcome))


def _unavailable(order: Order, step: Step, outcome: Retryable, declaration: Declaration) -> None:
    if declaration.wait(order, step, outcome.reason) or _was_turned_away(outcome) or step.tries < TRIES:
        return
    move(step, StepVerb.SEND, actor="worker")
    move(step, StepVerb.FAIL, actor="worker", reason=f"not reached in {TRIES} tries: {outcome.reason}")


def _tries(step: Step, outcome: Outcome[Any]) -> int:
    """Tries that were made: taking a step up in vain is none."""
    return step.tries - int(_was_turned_away(outcome))


def _ask(step: Step, declaration: Declaration) -> Outcome[Any]:
    outcome = declaration.ask(step)
    with transaction.atomic():
        lock(step.order)
        hold(step)
        if isinstance(outcome, Answered) and outcome.data is not None:
            move(
                step,
                StepVerb.FINISH,
                actor=f"partner:{step.partner}",
                reason="found by its key",
                partner_reference=outcome.data,
            )
        elif isinstance(outcome, Answered) and _quiet_long_enough(step):
            move(step, StepVerb.RETRY, actor="worker", reason="the partner never heard of it")
        elif step.state == StepState.SENT:
            move(step, StepVerb.LOSE, actor="worker", reason="left unanswered by a worker")
        finish(step, due_at=None)
    return outcome


def _quiet_long_enough(step: Step) -> bool:
    """The partner may still act on a request we stopped waiting for."""
    return timezone.now() - (step.sent_at or step.entered_at) >= ladders.quarantine()


def _weigh(order: Order, saga: Saga, declaration: Declaration, reopens_at: datetime | None) -> None:
    steps = _steps(saga)
    failed = [step for step in steps if step.state == StepState.FAILED]
    open_steps = [step for step in steps if step.state not in OVER]
    if failed:
        _turn_back(saga, f"{failed[0].partner}: {failed[0].answer or 'failed'}")
    elif not open_steps and declaration.is_complete(steps):
        move(saga, SagaVerb.SUCCEED, actor="worker")
        finish(saga, due_at=None)
        declaration.succeeded(order, saga)
    elif (waits := all(_waits(step, declaration) for step in open_steps)) and declaration.waiting(order):
        finish(saga, due_at=None)
    elif saga.deadline_at <= timezone.now():
        _turn_back(saga, f"not done within {LIMIT}")
    else:
        finish(saga, due_at=saga.deadline_at if waits else _later(saga, reopens_at))


def _waits(step: Step, declaration: Declaration) -> bool:
    return step.state == StepState.PENDING and declaration.is_waiting(step)


def _turn_back(saga: Saga, why: str) -> None:
    move(saga, SagaVerb.COMPENSATE, actor="worker", reason=why, failure=why[:200], tries=0)
    finish(saga, due_at=timezone.now())


def _backward(saga: Saga, declaration: Declaration) -> None:
    """Undo the last step that ran; when none is left, finish."""
    left = [step for step in reversed(_steps(saga)) if _is_to_undo(step)]
    if not left:
        _finish_backward(saga, declaration)
        return
    step = claim_one(left[0])
    if step is None or not _may_undo_now(step):
        finish(saga, due_at=_later(saga))
        return
    outcome = _undo(step, declaration)
    again_at = _reopens_at([step], [outcome]) or ladders.rung(ladders.UNDO, step.tries)
    with transaction.atomic():
        lock(saga.order)
        hold(saga)
        _after_undo(saga, step, outcome, again_at)


def _is_to_undo(step: Step) -> bool:
    return step.state in (*UNDOABLE, StepState.UNDOING, StepState.UNDO_FAILED)


def _may_undo_now(step: Step) -> bool:
    """A request that may still take effect is undone only after it can no longer do so."""
    return step.state not in (StepState.SENT, StepState.UNKNOWN) or _quiet_long_enough(step)


def _undo(step: Step, declaration: Declaration) -> Outcome[None]:
    if step.state != StepState.UNDOING:
        with transaction.atomic():
            lock(step.order)
            hold(step)
            move(step, StepVerb.UNDO, actor="worker", tries=1)
    outcome = declaration.undo(step)
    with transaction.atomic():
        lock(step.order)
        hold(step)
        _write_undone(step, outcome)
    return outcome


def _write_undone(step: Step, outcome: Outcome[None]) -> None:
    if isinstance(outcome, Answered):
        move(step, StepVerb.FINISH_UNDO, actor=f"partner:{step.partner}")
    elif isinstance(outcome, Refused) or _is_given_up(step, outcome):
        move(step, StepVerb.FAIL_UNDO, actor="worker", reason=_said(outcome))
    finish(step, due_at=None, last_error=_said(outcome), tries=_tries(step, outcome))


def _is_given_up(step: Step, outcome: Outcome[None]) -> bool:
    if _was_turned_away(outcome):
        return timezone.now() - step.saga.entered_at >= LIMIT
    return step.tries >= TRIES


def _said(outcome: Outcome[Any]) -> str:
    """What the partner answered to a wish, in its own words; "" when it did it."""
    if isinstance(outcome, Answered):
        return ""
    return str(outcome)[:200]


def _after_undo(saga: Saga, step: Step, outcome: Outcome[None], again_at: datetime) -> None:
    if step.state == StepState.UNDO_FAILED:
        cause = _cause(outcome)
        move(saga, SagaVerb.GIVE_UP, actor="worker", reason=f"{step.key}: cannot be undone", cause=cause)
        finish(saga, due_at=None)
    elif step.state == StepState.UNDOING:
        finish(saga, due_at=again_at)
    else:
        finish(saga, due_at=timezone.now())


def _cause(outcome: Outcome[None]) -> HandCause:
    if isinstance(outcome, Refused):
        return HandCause.UNDO_REFUSED
    return HandCause.UNDO_NOT_SENT if _was_turned_away(outcome) else HandCause.UNDO_UNANSWERED


def _finish_backward(saga: Saga, declaration: Declaration) -> None:
    with transaction.atomic():
        order = lock(saga.order)
        hold(saga)
        _skip(step for step in _steps(saga) if step.state == StepState.PENDING)
        move(saga, SagaVerb.FINISH, actor="worker")
        finish(saga, due_at=None)
        declaration.compensated(order, saga)


def _skip(steps: Iterable[Step]) -> None:
    for step in steps:
        move(step, StepVerb.SKIP, actor="worker", reason="never sent")


def _later(saga: Saga, reopens_at: datetime | None = None) -> datetime:
    next_look = reopens_at or ladders.rung(ladders.STEP, saga.tries)
    return min(next_look, max(saga.deadline_at, ladders.rung((1,), 1)))
