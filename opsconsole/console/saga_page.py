"""One saga put together: its steps in words, the order of undoing, its clock, what a person may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.order_actions_shown import ShownAction, shown_actions
from opsconsole.console.order_lines import Day, days_of
from opsconsole.console.saga_choices import SagaChoice, choices_of
from opsconsole.console.saga_words import cause_label, kind_label, step_label
from opsconsole.console.staff import actor_name
from opsconsole.console.tones import Tone
from orders.models import OperatorAction, Order, Saga, Step
from orders.queries.money import Money, money_of
from orders.queries.order_page import OrderRows, people, rows_of
from orders.queries.saga_page import actions_on, numbered, saga_memory
from orders.queries.timeline import timeline
from orders.services.sagas import TRIES
from orders.states import SagaState, StepState

_RAN: Final = (
    StepState.SENT,
    StepState.DONE,
    StepState.UNKNOWN,
    StepState.UNDOING,
    StepState.UNDONE,
    StepState.UNDO_FAILED,
)
_BACKWARDS: Final = (SagaState.COMPENSATING, SagaState.NEEDS_HAND, SagaState.COMPENSATED)
_UNDONE_WORDS: Final[Mapping[str, Promise]] = {
    StepState.UNDONE: gettext_lazy("Undone"),
    StepState.UNDOING: gettext_lazy("Being undone"),
    StepState.UNDO_FAILED: gettext_lazy("Not undone"),
    StepState.SKIPPED: gettext_lazy("Nothing to undo"),
    StepState.FAILED: gettext_lazy("Nothing to undo"),
    StepState.PENDING: gettext_lazy("Nothing to undo"),
}
_VERDICTS: Final[Mapping[str, tuple[Tone, Promise]]] = {
    SagaState.RUNNING: (Tone.ACTIVE, gettext_lazy("Every step is being done; nobody has to do anything.")),
    SagaState.SUCCEEDED: (Tone.DONE, gettext_lazy("Every step is done.")),
    SagaState.COMPENSATING: (Tone.ATTENTION, gettext_lazy("What ran is being undone, the last step first.")),
    SagaState.COMPENSATED: (Tone.NEUTRAL, gettext_lazy("Everything that ran is undone.")),
    SagaState.NEEDS_HAND: (
        Tone.FAILED,
        gettext_lazy("A step could not be undone. The steps before it wait until a person has decided."),
    ),
}


@dataclass(frozen=True, kw_only=True)
class StepShown:
    """One step. `undo_at` is its place in the order of undoing, None where there is nothing to undo;
    `undone` says in words what became of that."""

    step: Step
    label: str
    choices: Sequence[SagaChoice]
    undo_at: int | None
    undone: str

    @property
    def tries(self) -> str:
        return f"{self.step.tries}/{TRIES}" if self.step.tries else "–"


@dataclass(frozen=True, kw_only=True)
class SagaPage:
    """What the templates of one saga read. `left` is what remains of its clock, negative when it ran out."""

    order: Order
    saga: Saga
    number: int
    kind: str
    tone: Tone
    title: str
    text: str
    steps: Sequence[StepShown]
    choices: Sequence[SagaChoice]
    actions: Sequence[ShownAction]
    evidence: Sequence[OperatorAction]
    money: Money
    left: timedelta | None
    days: Sequence[Day]
    is_cut: bool
    count: int
    looked_at: datetime

    @property
    def not_undone(self) -> list[StepShown]:
        """What still stands of a saga that turned back: what a person has to know first."""
        is_back = self.saga.state in _BACKWARDS
        return [each for each in self.steps if is_back and each.undo_at and each.step.state != StepState.UNDONE]

    @property
    def is_busy(self) -> bool:
        return any(each.is_running and not each.waits_for_approval for each in self.actions)

    @property
    def next_choice(self) -> SagaChoice | None:
        """The safe step: asking again never does anything twice."""
        every = (choice for shown in self.steps for choice in shown.choices)
        return next((choice for choice in every if choice.name == "retry_step" and not choice.why_not), None)


def saga_page(request: HttpRequest, order: Order, number: int) -> SagaPage | None:
    """Reads all of it; None when the order has no such saga."""
    rows = rows_of(order)
    saga = numbered(rows, number)
    if saga is None:
        return None
    memory, user = saga_memory(order, rows, saga), request.user
    asked = actions_on(rows, saga)
    tone, text = _VERDICTS[saga.state]
    steps = [step for step in rows.steps if step.saga_id == saga.pk]
    return SagaPage(
        order=order,
        saga=saga,
        number=number,
        kind=kind_label(saga.kind),
        tone=tone,
        title=cause_label(saga.cause) if saga.cause else str(saga.state_label),
        text=str(text),
        steps=_steps(rows, saga, steps, user, number),
        choices=choices_of(rows, saga, None, user, number=number),
        actions=_shown(asked, user),
        evidence=[action for action in asked if action.params.get("evidence")],
        money=money_of(order, rows.ledger, rows.refunds),
        left=saga.deadline_at - timezone.now() if saga.state == SagaState.RUNNING else None,
        days=days_of(order, timeline(rows, memory)),
        is_cut=memory.is_cut,
        count=len(rows.sagas),
        looked_at=timezone.now(),
    )


def _shown(asked: Sequence[OperatorAction], user: Any) -> list[ShownAction]:
    return shown_actions(asked, people(action.actor for action in asked), reader=actor_name(user))


def _steps(rows: OrderRows, saga: Saga, steps: Sequence[Step], user: Any, number: int) -> list[StepShown]:
    ran = [step.pk for step in reversed(steps) if step.state in _RAN]
    return [
        StepShown(
            step=step,
            label=step_label(step),
            choices=choices_of(rows, saga, step, user, number=number),
            undo_at=ran.index(step.pk) + 1 if step.pk in ran else None,
            undone=_undone(saga, step),
        )
        for step in steps
    ]


def _undone(saga: Saga, step: Step) -> str:
    if saga.state not in _BACKWARDS:
        return "–"
    # One that a breaker turned away has a time and no try: nothing of it stands.
    if step.state == StepState.SKIPPED and step.sent_at is not None and step.tries:
        return _("Let stand")
    return str(_UNDONE_WORDS.get(step.state, gettext_lazy("Waits to be undone")))
