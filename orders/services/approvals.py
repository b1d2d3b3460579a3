"""What waits for a second person: proposed actions, and large refunds that a cancelled order owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import OperatorAction, Order, Refund
from orders.services import actions, refunds
from orders.states import RefundState, RefundVerb
from orders.transitions import lock, move

ACTION: Final = "action"
REFUND: Final = "refund"
# An action that waits has minutes; a refund that a cancelled order owes waits until somebody looks.
_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits. `amount` in minor units of `currency`; `until` is None where no clock runs;
    `has_drifted` when the order moved on since it was proposed, so that it would be refused."""

    kind: str
    pk: int
    order: Order
    name: str
    amount: int
    currency: str
    reason: str
    proposer: str
    asked_at: datetime
    until: datetime | None
    has_drifted: bool
    params: Mapping[str, Any] = field(default_factory=dict)


def waiting() -> Sequence[Waiting]:
    """What is most urgent first: what has a clock, then the oldest."""
    proposed = OperatorAction.objects.select_related("order").filter(
        status=OperatorAction.Status.AWAITING_APPROVAL, approve_by__gt=timezone.now()
    )
    owed = Refund.objects.select_related("order", "attempt").filter(state=RefundState.REQUESTED)
    found = [*map(_action, proposed.order_by("approve_by")[:_MOST]), *map(_refund, owed.order_by("pk")[:_MOST])]
    return sorted(found, key=lambda each: (each.until is None, each.until or each.asked_at))


def find(kind: str, pk: int) -> Waiting | None:
    """None when it does not wait any more."""
    return next((each for each in waiting() if (each.kind, each.pk) == (kind, pk)), None)


def approve(kind: str, pk: int, *, actor: str, note: str = "") -> None:
    """Let it go; its reason is the proposer's, and what the second person adds is kept with the approval.

    Raises NotAllowed for the proposer or too late, StaleState where the order moved on.
    """
    if kind == ACTION:
        actions.approve(_found_action(pk), actor=actor, note=note)
        return
    with transaction.atomic():
        refund = _locked_refund(pk)
        if refund.requested_by == actor:
            raise NotAllowed(_("Who proposed it cannot approve it."))
        refunds.approve(refund, actor=actor, note=note)


def reject(kind: str, pk: int, *, actor: str, reason: str) -> None:
    """Say no, with a reason. Raises NotAllowed when it does not wait any more."""
    if not reason.strip():
        raise NotAllowed(_("A reason is needed: it is kept with the order."))
    if kind == ACTION:
        actions.reject(_found_action(pk), actor=actor, reason=reason)
        return
    with transaction.atomic():
        move(_locked_refund(pk), RefundVerb.REJECT, actor=actor, reason=reason)


def _found_action(pk: int) -> OperatorAction:
    action = OperatorAction.objects.select_related("order").filter(pk=pk).first()
    if action is None:
        raise NotAllowed(_("It does not wait for approval any more."))
    return action


def _locked_refund(pk: int) -> Refund:
    """Locks its order, then the refund."""
    refund = Refund.objects.select_related("order").filter(pk=pk).first()
    if refund is not None:
        lock(refund.order)
        refund = lock(refund)
    if refund is None or refund.state != RefundState.REQUESTED:
        raise NotAllowed(_("It does not wait for approval any more."))
    return refund


def _action(action: OperatorAction) -> Waiting:
    return Waiting(
        kind=ACTION,
        pk=action.pk,
        order=action.order,
        name=action.name,
        amount=int(action.params.get("amount", 0)),
        currency=action.order.currency,
        reason=action.reason,
        proposer=action.actor,
        asked_at=action.created_at,
        until=action.approve_by,
        has_drifted=action.order.version != action.expected_version
        or bool(actions.why_not(action.order, action.name, action.params)),
        params=action.params,
    )


def _refund(refund: Refund) -> Waiting:
    return Waiting(
        kind=REFUND,
        pk=refund.pk,
        order=refund.order,
        name="refund",
        amount=refund.amount,
        currency=refund.currency,
        reason=refund.reason,
        proposer=refund.requested_by,
        asked_at=refund.created_at,
        until=None,
        has_drifted=False,
    )
