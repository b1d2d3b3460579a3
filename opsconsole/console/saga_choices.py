"""What a person may do to a saga and its steps now, and why not the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from opsconsole.console.order_choices import Choice, Risk, forbidden, held_back, one_click_key
from opsconsole.console.order_guards import Guards
from orders.models import Saga, Step
from orders.queries.order_page import OrderRows
from orders.queries.sentences import ACTIONS


@dataclass(frozen=True)
class Kind:
    """One action on a saga: the right it needs, and what it does in one sentence."""

    right: str
    risk: Risk
    effect: Promise
    of_step: bool = True


KINDS: Final[dict[str, Kind]] = {
    "retry_step": Kind(
        "retry_step",
        Risk.SAFE,
        gettext_lazy("Asks the partner by the same key again. Nothing is done twice."),
    ),
    "mark_step_done": Kind(
        "mark_step_done",
        Risk.VISIBLE,
        gettext_lazy("Writes down that it happened, as the evidence says. The partner is not asked."),
    ),
    "skip_step": Kind(
        "skip_step",
        Risk.MONEY,
        gettext_lazy("What the partner did stays done and is paid for; the steps before it are undone."),
    ),
    "compensate_saga": Kind(
        "compensate_saga",
        Risk.MONEY,
        gettext_lazy("Undoes every step that ran, the last first, then gives the customer's money back."),
        of_step=False,
    ),
}


@dataclass(frozen=True, kw_only=True)
class SagaChoice(Choice):
    """`fields` are what its person saw of the saga and the step."""

    fields: Sequence[tuple[str, int]]


def choices_of(rows: OrderRows, saga: Saga, step: Step | None, user: Any, *, number: int) -> list[SagaChoice]:
    """Those of a step, or without one those of the saga as a whole."""
    named = [name for name, kind in KINDS.items() if kind.of_step == (step is not None)]
    return [_choice(rows, saga, step, user, name, number) for name in named]


def seen(saga: Saga, step: Step | None, number: int) -> dict[str, int]:
    """What a wish says about what its person saw."""
    of_step = {"step": step.number, "step_version": step.version} if step else {}
    return {"saga": number, "saga_version": saga.version, **of_step}


def _choice(rows: OrderRows, saga: Saga, step: Step | None, user: Any, name: str, number: int) -> SagaChoice:
    kind, order, params = KINDS[name], rows.order, seen(saga, step, number)
    url = reverse(f"saga-{name}", args=[order.public_id, number])
    guards = Guards(order, rows.actions)
    return SagaChoice(
        name=name,
        label=str(ACTIONS[name]),
        effect=str(kind.effect),
        risk=kind.risk,
        url=f"{url}?{urlencode({'step': step.number})}" if step else url,
        key=one_click_key(order, user, name, last=guards.last, what=str(sorted(params.items()))),
        fields=(*params.items(), ("seen", guards.seen)),
        why_not=forbidden(user, kind.right) or held_back(guards, name, params),
    )
