"""What each action does to an order, and why it may not.

Each verb takes the action and the order, does its work (network calls between transactions) and
answers with what a read afterwards shows.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from orders.clients.codes import OFFERED
from orders.errors import NotAllowed
from orders.leases import OTHERS, Work, claim_in_turn, renew
from orders.models import Attempt, OperatorAction, Order, Refund, Saga, Step
from orders.services import booking, dispatching, inquiry, ledger, links, placing, posting, refunds
from orders.services.actions import dispatch, holding, link, money_back, neighbours, transfer
from orders.services.actions.carrying import carry_on
from orders.services.actions.saga_verbs import SAGA_VERBS
from orders.services.actions.verb import Result, Verb
from orders.services.routing import LIVE
from orders.states import (
    AttemptState,
    AttemptVerb,
    OrderState,
    OrderVerb,
    PostingState,
    RefundState,
    SagaState,
    SagaVerb,
    Service,
    StepState,
    StepVerb,
)
from orders.transitions import lock, move

S = OrderState
UNBOOKED = (S.PAID, S.BOOKING, S.QUEUED_FOR_DISPATCH)


def why_not(order: Order, name: str, params: Mapping[str, Any] | None = None) -> str:
    """Why this action is not possible now, as a sentence; "" when it is."""
    verb = VERBS.get(name)
    return verb.why_not(order, params or {}) if verb else _("There is no such action.")


def _recheck_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.origin == Order.Origin.IMPORT:
        return _("An imported order has no gateway to ask.")
    return "" if order.attempts.exists() else _("There is no payment attempt to ask about.")


def recheck_payment(action: OperatorAction, order: Order) -> Result:
    """Ask every gateway about every attempt of the order; apply what they say."""
    said = [_ask(action, attempt) for attempt in order.attempts.order_by("number")]
    moved = Order.objects.get(pk=order.pk).version != order.version
    return Result(moved or all(final for final, _said in said), "; ".join(s for _f, s in said))


def _ask(action: OperatorAction, attempt: Attempt) -> tuple[bool, str]:
    mine = _in_turn(action, attempt)
    if mine is None:
        return False, _("%(attempt)s is being asked about at this moment") % {"attempt": attempt}
    if mine.state == AttemptState.REQUESTED:
        links.make_link(mine)
        fresh = Attempt.objects.get(pk=mine.pk)
        return fresh.state == AttemptState.OPEN, f"{attempt}: {fresh.state}"
    verdict = inquiry.ask(mine)
    return verdict.is_final, f"{attempt}: {verdict.sentence}"


def _in_turn(action: OperatorAction, row: Work) -> Work | None:
    """The row as soon as no other worker has it, whom the same wish may have rung for. None where one keeps it."""
    renew(action)
    mine = claim_in_turn(row, until=time.monotonic() + OTHERS)
    renew(action)
    return mine


def _link_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.state not in links.PAYABLE:
        return _("Nothing is to be paid: the order is %(state)s.") % {"state": order.state_label}
    wanted = params.get("gateway")
    if wanted and order.method not in OFFERED.get(wanted, ()):
        return _("%(gateway)s does not offer %(method)s.") % {
            "gateway": wanted,
            "method": order.method,
        }
    return ""


def make_link(action: OperatorAction, order: Order) -> Result:
    """A payable link, after no other attempt can be paid any more."""
    wanted = str(action.params.get("gateway") or "")
    for attempt in order.attempts.filter(state__in=LIVE).order_by("number"):
        _clear(action, attempt)
    renew(action)
    with transaction.atomic():
        fresh = lock(order)
        if fresh.state not in links.PAYABLE:
            return Result(True, _("It was paid meanwhile."))
        attempt = links.add_attempt(fresh, actor=action.actor, gateway_name=wanted)
        window = timezone.now() + settings.PAYMENT_WINDOW
        Order.objects.filter(pk=order.pk).update(expires_at=window)
    mine = _in_turn(action, attempt)
    if mine is not None and mine.state == AttemptState.REQUESTED:
        links.make_link(mine)
    attempt.refresh_from_db()
    opened = attempt.state == AttemptState.OPEN
    return Result(opened, attempt.link_url if opened else f"{attempt.gateway}: {attempt.state}")


def _clear(action: OperatorAction, attempt: Attempt) -> None:
    """Make one live attempt unpayable; raises NotAllowed while that is not certain."""
    mine = _in_turn(action, attempt)
    if mine is None:
        raise NotAllowed(_("%(attempt)s is being worked on; try again.") % {"attempt": attempt})
    if mine.state == AttemptState.REQUESTED:
        with transaction.atomic():
            lock(mine.order)
            move(mine, AttemptVerb.CANCEL, actor=action.actor, reason="replaced", due_at=None)
        return
    inquiry.close(mine)
    mine.refresh_from_db()
    if mine.state in LIVE:
        raise NotAllowed(
            _("%(attempt)s at %(gateway)s may still be paid; it could not be closed.")
            % {"attempt": attempt, "gateway": attempt.gateway}
        )


def _booking_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.origin == Order.Origin.IMPORT:
        return _("An imported order was booked elsewhere.")
    by_hand = order.dispatches.filter(state__in=dispatching.WAITING).exclude(claimed_by="", vehicle="").first()
    if by_hand is not None:
        return _("%(actor)s dispatches it by hand.") % {"actor": by_hand.claimed_by or by_hand.assigned_by}
    if order.service == Service.GOODS:
        return _("Goods are not booked: look at the steps of its saga.")
    if order.state == S.PAID_AFTER_CLOSE or order.state in UNBOOKED:
        return ""
    return _("There is nothing to book: the order is %(state)s.") % {"state": order.state_label}


def retry_booking(action: OperatorAction, order: Order) -> Result:
    """Take the booking up where it stopped; a closed order with money is reinstated first."""
    with transaction.atomic():
        fresh = lock(order)
        if fresh.state == S.PAID_AFTER_CLOSE:
            move(fresh, OrderVerb.REINSTATE, actor=action.actor, reason=action.reason)
        saga = _saga_again(fresh, actor=action.actor, reason=action.reason)
    now = carry_on(action, saga)
    return Result(
        now.state in (S.ACTIVE, S.COMPLETED),
        _("The order is now %(state)s.") % {"state": now.state_label},
    )


def _saga_again(order: Order, *, actor: str, reason: str) -> Saga:
    saga = order.sagas.filter(kind=booking.BOOKING.kind).order_by("-id").first()
    if saga is None or saga.state in (SagaState.COMPENSATED, SagaState.SUCCEEDED):
        return booking.start(order)
    saga = lock(saga)
    if saga.state == SagaState.NEEDS_HAND:
        _steps_again(saga, actor=actor, reason=reason)
    if order.state == S.QUEUED_FOR_DISPATCH:
        move(order, OrderVerb.BOOK, actor=actor, reason=reason)
    for entry in order.dispatches.filter(state__in=dispatching.WAITING):
        dispatching.try_again(saga, entry, actor=actor)
    dispatching.saga_again(saga)
    return Saga.objects.get(pk=saga.pk)


def _steps_again(saga: Saga, *, actor: str, reason: str) -> None:
    """From where it stopped: backwards when an undo failed, forwards otherwise."""
    undoing = saga.steps.filter(state__in=(StepState.UNDO_FAILED, StepState.UNDOING))
    if undoing.exists():
        move(saga, SagaVerb.COMPENSATE, actor=actor, reason=reason, cause="")
        return
    move(saga, SagaVerb.RETRY, actor=actor, reason=reason, cause="")
    for step in Step.objects.filter(saga=saga, state=StepState.FAILED):
        move(step, StepVerb.RETRY, actor=actor, reason=reason)


def _repost_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.postings.exclude(state=PostingState.RECORDED).exists():
        return ""
    if order.state == S.COMPLETED and not order.postings.exists() and ledger.balance(order) > 0:
        return ""
    return _("Head Office has every entry of this order, or none is due yet.")


def repost_ho(action: OperatorAction, order: Order) -> Result:
    """Send what HO lacks again, under the same reference, and read it back."""
    left = posting.post_again(order, actor=action.actor, reason=action.reason, renew=lambda: renew(action))
    said = ", ".join(f"{entry}: {entry.state_label}" for entry in left)
    return Result(not said, said or _("Head Office has it."))


def _cancel_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.origin == Order.Origin.IMPORT:
        return _("An imported order is cancelled where it came from.")
    if order.machine.target(order.state, OrderVerb.CANCEL):
        return ""
    return _("It cannot be cancelled any more: it is %(state)s.") % {"state": order.state_label}


def cancel_order(action: OperatorAction, order: Order) -> Result:
    """Cancel; what is booked is undone and what was paid goes back, by their own workers."""
    if order.state != S.CANCELLED:  # by a worker that died before it could say so
        placing.cancel_order(order, actor=action.actor, reason=action.reason)
    return money_back.after_the_end(Order.objects.get(pk=order.pk), _("Cancelled."))


def _refund_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.origin == Order.Origin.IMPORT:
        return _("An imported order is refunded where it was paid.")
    if _retryable_refund(order) is not None:
        return ""
    held = sum(refunds.refundable(attempt) for attempt in order.attempts.all())
    if held <= 0:
        return _nothing_to_refund(order)
    if int(params.get("amount", 0)) > held:
        return _("It is more than what is held.")
    if order.state in (*UNBOOKED, S.ACTIVE) and held - int(params.get("amount", 0)) < order.amount:
        return _("It is still being carried out: cancel the order instead.")
    return ""


def _nothing_to_refund(order: Order) -> str:
    if transfer.failed(order):
        return _("The gateway cannot give this money back: finance transfers it by hand.")
    return _("There is no money to give back.")


def _retryable_refund(order: Order) -> Refund | None:
    """The last one that its gateway may take after all; what it can never do a person transfers."""
    return next((each for each in reversed(transfer.failed(order)) if refunds.by_api(each.attempt)), None)


def refund(action: OperatorAction, order: Order) -> Result:
    """Give money back, or send a failed refund again; done when the gateway says so, accepted until then."""
    with transaction.atomic():
        fresh = lock(order)
        made = _made_before(fresh, action) or _begin_refunds(fresh, action)
    if not made:
        raise NotAllowed(_("There is no money to give back."))
    for each in made:
        mine = _in_turn(action, each)
        if mine is not None:
            refunds.work(mine)
        each.refresh_from_db()
    return money_back.of_refunds(made)


def _made_before(order: Order, action: OperatorAction) -> list[Refund]:
    """What a worker that died had begun for this action: looked at again, never added to."""
    return list(order.refunds.filter(key__in=action.params.get("refunds", ())).order_by("pk"))


def _begin_refunds(order: Order, action: OperatorAction) -> list[Refund]:
    """Their keys are written down with them, so that whoever takes the action over knows them. Lock: order."""
    failed = _retryable_refund(order)
    if failed is not None:
        refunds.retry(failed, actor=action.actor, reason=action.reason)
    made = [failed] if failed is not None else _request_refunds(order, action)
    action.params = {**action.params, "refunds": [each.key for each in made]}
    OperatorAction.objects.filter(pk=action.pk).update(params=action.params)
    return made


def _request_refunds(order: Order, action: OperatorAction) -> list[Refund]:
    left, made = int(action.params["amount"]), []
    for attempt in order.attempts.order_by("-number"):
        amount = min(left, refunds.refundable(attempt))
        if amount <= 0:
            continue
        each = refunds.request(
            attempt,
            amount=amount,
            cause=f"action:{action.pk}",
            actor=action.actor,
            reason=action.reason,
        )
        if each.state == RefundState.REQUESTED and action.approver:
            refunds.approve(each, actor=action.approver)
        made.append(each)
        left -= amount
    return made


def _expire_not(order: Order, params: Mapping[str, Any]) -> str:
    if order.origin == Order.Origin.IMPORT:
        return _("An imported order has no gateway to ask.")
    return "" if order.attempts.filter(state__in=LIVE).exists() else _("No payment link can be paid any more.")


def expire_attempt(action: OperatorAction, order: Order) -> Result:
    """Close every link that could still be paid, at its gateway first."""
    for attempt in order.attempts.filter(state__in=LIVE).order_by("number"):
        _clear(action, attempt)
    left = order.attempts.filter(state__in=LIVE).exists()
    return Result(not left, _("No payment link can be paid any more.") if not left else "-")


def _hold(action: OperatorAction, order: Order) -> Result:
    return Result(*holding.hold(action, order))


def _release(action: OperatorAction, order: Order) -> Result:
    return Result(*holding.release(action, order))


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


VERBS: Mapping[str, Verb] = {
    "recheck_payment": Verb(
        recheck_payment,
        _recheck_not,
        gettext_noop("Re-check payment"),
        cool_down=_minutes(1),
        rate=20,
        neighbour=neighbours.asked_last,
    ),
    "make_link": Verb(
        make_link,
        _link_not,
        gettext_noop("Make payment link"),
        cool_down=_minutes(10),
        rate=10,
        neighbour=neighbours.closes_at,
    ),
    "retry_booking": Verb(
        retry_booking,
        _booking_not,
        gettext_noop("Retry booking"),
        cool_down=_minutes(10),
        rate=10,
        neighbour=neighbours.partner,
    ),
    "repost_ho": Verb(
        repost_ho,
        _repost_not,
        gettext_noop("Re-post to HO"),
        cool_down=_minutes(5),
        rate=20,
        neighbour=neighbours.head_office,
    ),
    "cancel_order": Verb(cancel_order, _cancel_not, gettext_noop("Cancel order"), cool_down=_minutes(10)),
    "refund": Verb(
        refund, _refund_not, gettext_noop("Refund"), cool_down=_minutes(30), neighbour=neighbours.paid_through
    ),
    transfer.NAME: transfer.TRANSFER,
    **SAGA_VERBS,
    "expire_attempt": Verb(
        expire_attempt,
        _expire_not,
        gettext_noop("Close payment links"),
        cool_down=_minutes(10),
        rate=10,
        neighbour=neighbours.closes_at,
    ),
    "hold_order": Verb(_hold, holding.hold_not, gettext_noop("Hold"), rate=200),
    "release_hold": Verb(_release, holding.release_not, gettext_noop("Release from hold"), rate=200),
    "send_link": Verb(link.send_link, link.send_not, gettext_noop("Send the link"), cool_down=_minutes(1)),
    "send_to_dispatch": Verb(
        dispatch.send, dispatch.send_not, gettext_noop("Send to dispatch again"), cool_down=_minutes(2)
    ),
    "dispatch_by_hand": Verb(dispatch.dispatch_by_hand, dispatch.hand_not, gettext_noop("Mark as dispatched")),
    "customer_cancelled": Verb(dispatch.customer_cancelled, dispatch.cancelled_not, gettext_noop("Customer cancelled")),
    "give_up_dispatch": Verb(dispatch.give_up, dispatch.cancelled_not, gettext_noop("Give up and refund")),
    "end_trip": Verb(dispatch.end_trip, dispatch.end_not, gettext_noop("Trip has ended")),
}
