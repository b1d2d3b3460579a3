"""Asking a gateway what became of an attempt: the only way money moves here."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.clients.gateway import Status
from orders.clients.registry import gateway
from orders.leases import finish, hold
from orders.models import Attempt
from orders.resilience.outcome import Answered, Outcome
from orders.services import links
from orders.services.settlement import Verdict, settle
from orders.states import AttemptState, InboundVerb
from orders.transitions import lock

SETTLED = (AttemptState.PAID, AttemptState.REVERSED)
LIVE = (AttemptState.UNKNOWN, AttemptState.OPEN)


def work(attempt: Attempt) -> None:
    """One look at a due attempt, leased by the caller: make its link, ask about it, or close it."""
    if attempt.state == AttemptState.REQUESTED:
        links.make_link(attempt)
    else:
        ask(attempt)


def ask(attempt: Attempt) -> Verdict:
    """Ask the gateway about a leased attempt, apply the answer, and set the next look."""
    outcome = _ask(attempt)
    if not isinstance(outcome, Answered):
        finish(attempt, due_at=_later(attempt), last_error=str(outcome)[:300], asked_at=_now())
        return Verdict(InboundVerb.REPEAT, f"{attempt.gateway} did not answer", is_final=False)
    status = outcome.data
    if _too_early_to_believe(attempt, status):
        finish(attempt, due_at=_later(attempt), asked_at=_now())
        return Verdict(InboundVerb.REPEAT, "nothing there yet", is_final=False)
    if status.state == AttemptState.OPEN and attempt.state in LIVE:
        return _still_open(attempt, status)
    return _conclude(attempt, status)


def _ask(attempt: Attempt) -> Outcome[Status]:
    return gateway(attempt.gateway).ask_status(
        attempt.reference,
        gateway_ref=attempt.gateway_reference,
        amount=attempt.amount,
        method=attempt.method,
        currency=attempt.currency,
        paid_before=attempt.state in SETTLED,
    )


def _conclude(attempt: Attempt, status: Status) -> Verdict:
    verdict = settle(attempt, status)
    with transaction.atomic():
        order = lock(attempt.order)
        hold(attempt)
        fresh = lock(attempt)
        due_at = _later(fresh) if fresh.state in LIVE else None
        finish(fresh, due_at=due_at, asked_at=_now(), last_error="")
        links.fail_over(order, fresh)
    return verdict


def _still_open(attempt: Attempt, status: Status) -> Verdict:
    """The customer has not paid: keep waiting, find a lost link, or close what nobody may pay."""
    if _should_close(attempt):
        return close(attempt)
    if attempt.state == AttemptState.UNKNOWN and status.link is not None:
        with transaction.atomic():
            order = lock(attempt.order)
            hold(attempt)
            links.open_link(order, attempt, status.link)
        return Verdict(InboundVerb.APPLY, "the link that was never answered exists")
    if attempt.state == AttemptState.UNKNOWN and gateway(attempt.gateway).link_is_repeatable:
        links.make_link(attempt)
        return Verdict(InboundVerb.REPEAT, "asked again under the same reference")
    finish(attempt, due_at=_later(attempt), asked_at=_now(), last_error="")
    return Verdict(InboundVerb.REPEAT, f"{attempt.gateway} says {status.code}: not paid yet")


def _should_close(attempt: Attempt) -> bool:
    if attempt.order.state not in links.PAYABLE:
        return True
    closes_at = links.closes_at(attempt)
    return closes_at is not None and closes_at <= timezone.now()


def close(attempt: Attempt) -> Verdict:
    """Make it unpayable at the gateway first, then here, so that nobody pays for nothing."""
    outcome = gateway(attempt.gateway).close(
        attempt.reference,
        gateway_ref=attempt.gateway_reference,
        amount=attempt.amount,
        method=attempt.method,
        currency=attempt.currency,
    )
    if isinstance(outcome, Answered):
        return _conclude(attempt, outcome.data)
    # Refused: it is being paid; or no answer: the next look asks again.
    finish(attempt, due_at=_later(attempt), asked_at=_now(), last_error=str(outcome)[:300])
    return Verdict(InboundVerb.REPEAT, "could not be closed yet", is_final=False)


def _too_early_to_believe(attempt: Attempt, status: Status) -> bool:
    absent = status.state == AttemptState.NOT_STARTED
    return absent and timezone.now() - attempt.entered_at < ladders.QUARANTINE


def _later(attempt: Attempt) -> datetime:
    if attempt.state == AttemptState.UNKNOWN:
        return ladders.rung(ladders.UNKNOWN_ATTEMPT, attempt.tries)
    later = ladders.rung(ladders.OPEN_ATTEMPT, attempt.tries)
    closes_at = links.closes_at(attempt)
    return later if closes_at is None or closes_at <= timezone.now() else min(later, closes_at)


def _now() -> datetime:
    return timezone.now()
