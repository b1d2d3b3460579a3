"""Payment links: one attempt at one gateway, written down before the gateway is asked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.clients.gateway import Link
from orders.clients.registry import gateway
from orders.context import act_as
from orders.errors import NotAllowed
from orders.leases import finish, hold
from orders.models import Attempt, Order
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from orders.services import routing
from orders.states import AttemptState, AttemptVerb, OrderState, OrderVerb
from orders.transitions import lock, move

WORKER = "worker"
PAYABLE = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)


def add_attempt(order: Order, *, actor: str, gateway_name: str = "", due_at: datetime | None = None) -> Attempt:
    """A new attempt for a locked, payable order. Raises NotAllowed where one could be paid twice.

    Lock: the caller holds the order's row, so two callers cannot both see "no live attempt".
    """
    attempts = list(order.attempts.order_by("number"))
    _refuse_second_payable(order, attempts)
    chosen = gateway_name or routing.next_gateway(order.method, tried=[attempt.gateway for attempt in attempts])
    number = 1 + (order.attempts.aggregate(last=Max("number"))["last"] or 0)
    act_as(actor)
    attempt = Attempt.objects.create(
        order=order,
        number=number,
        gateway=chosen,
        method=order.method,
        amount=order.amount,
        currency=order.currency,
        state=AttemptState.REQUESTED,
        reference=f"{order.public_id}-{number}",
        due_at=due_at or ladders.rung((0,), 1),
    )
    ring("attempt")
    return attempt


def _refuse_second_payable(order: Order, attempts: list[Attempt]) -> None:
    if order.state not in PAYABLE:
        raise NotAllowed(f"{order} is {order.state}: nothing is to be paid")
    live = [attempt for attempt in attempts if attempt.state in routing.LIVE]
    if live:
        raise NotAllowed(f"{live[0]} at {live[0].gateway} may still be paid: close it first")


def make_link(attempt: Attempt, *, deadline: float | None = None) -> None:
    """Ask the gateway for a link and write down what it said. `attempt` is leased by the caller.

    1. Mark the attempt unknown, in its own transaction: from here on the request may be out.
    2. Ask, with no transaction open, within `deadline` seconds.
    3. Write the answer, only while the lease is still ours.
    """
    order = attempt.order
    if not _marked_unknown(attempt, order=order):
        return
    outcome = gateway(attempt.gateway).create_link(
        attempt.reference,
        amount=attempt.amount,
        currency=attempt.currency,
        method=attempt.method,
        order_ref=order.public_id,
        customer=_customer(order),
        expires_at=_expiry(order),
        idempotency_key=attempt.reference,
        deadline=deadline,
    )
    with transaction.atomic():
        _write_answer(attempt, outcome)


def _marked_unknown(attempt: Attempt, *, order: Order) -> bool:
    with transaction.atomic():
        order = lock(order)
        hold(attempt)
        if attempt.state == AttemptState.UNKNOWN:
            return True  # asked before and repeatable: see inquiry
        if order.state not in PAYABLE:
            move(attempt, AttemptVerb.CANCEL, actor=WORKER, reason=f"order is {order.state}")
            finish(attempt, due_at=None)
            return False
        move(attempt, AttemptVerb.SEND, actor=WORKER)
    return True


def _write_answer(attempt: Attempt, outcome: Outcome[Link]) -> None:
    order = lock(attempt.order)
    hold(attempt)
    if isinstance(outcome, Answered):
        open_link(order, attempt, outcome.data)
    elif isinstance(outcome, Refused):
        _close(order, attempt, AttemptVerb.DECLINE, str(outcome))
    elif isinstance(outcome, Retryable):
        _close(order, attempt, AttemptVerb.NOT_START, outcome.reason)
    else:
        # Not an end: the janitor asks what became of it. Never another gateway from here.
        finish(
            attempt,
            due_at=ladders.rung(ladders.UNKNOWN_ATTEMPT, attempt.tries),
            last_error=outcome.reason,
        )


def open_link(order: Order, attempt: Attempt, link: Link) -> None:
    """The customer can pay now. Lock: order, then attempt."""
    move(
        attempt,
        AttemptVerb.OPEN,
        actor=f"gateway:{attempt.gateway}",
        gateway_reference=link.reference,
        link_url=link.url,
        expires_at=link.expires_at,
        answer="link made",
        tries=0,
    )
    finish(attempt, due_at=ladders.rung(ladders.OPEN_ATTEMPT, 1), last_error="")
    if order.state == OrderState.CREATED:
        move(order, OrderVerb.OPEN_LINK, actor=WORKER, owning_attempt=attempt)
    elif order.state == OrderState.AWAITING_PAYMENT:
        Order.objects.filter(pk=order.pk).update(owning_attempt=attempt)


def _close(order: Order, attempt: Attempt, verb: str, said: str) -> None:
    move(
        attempt,
        verb,
        actor=f"gateway:{attempt.gateway}",
        reason=said[:300],
        answer=said[:120],
        retryable=True,
    )
    finish(attempt, due_at=None, last_error=said[:300])
    fail_over(order, attempt)


def fail_over(order: Order, attempt: Attempt) -> None:
    """The next attempt after one that certainly started nothing. Lock: order.

    After a whole round of gateways the next round waits, longer each time.
    """
    if order.state not in PAYABLE or not routing.may_fail_over(attempt):
        return
    rounds = attempt.number // len(routing.route(order.method))
    ends_round = attempt.number % len(routing.route(order.method)) == 0
    due_at = ladders.rung(ladders.NEW_LINK, rounds) if ends_round else None
    add_attempt(order, actor="policy:fail-over", due_at=due_at)


def _customer(order: Order) -> dict[str, str]:
    return {
        "name": order.customer_name,
        "email": order.customer_email,
        "phone": order.customer_phone,
    }


def _expiry(order: Order) -> datetime:
    soonest = ladders.rung((60,), 1)
    wanted = order.expires_at or order.placed_at + settings.PAYMENT_WINDOW
    return max(wanted, soonest)


GRACE = {"gopay": timedelta(minutes=15)}
DEFAULT_GRACE = timedelta(minutes=5)


def closes_at(attempt: Attempt) -> datetime | None:
    """When the last inquiry before expiry is due: the deadline plus a grace.

    GoPay's expiry job is reliable only after 15 minutes (Midtrans FAQ, read 2026-11).
    """
    if attempt.expires_at is None:
        return None
    return attempt.expires_at + GRACE.get(attempt.method, DEFAULT_GRACE)


def next_look(attempt: Attempt, *, state: str = "") -> datetime:
    """When the janitor asks again about an attempt in that state (default: its own)."""
    if (state or attempt.state) == AttemptState.UNKNOWN:
        return ladders.rung(ladders.UNKNOWN_ATTEMPT, attempt.tries)
    later = ladders.rung(ladders.OPEN_ATTEMPT, attempt.tries)
    closes = closes_at(attempt)
    return later if closes is None or closes <= timezone.now() else min(later, closes)
