"""Asking gateways what became of attempts: the only way money moves here.

First the questions, side by side, with no transaction open and nothing of ours written; then all
the answers in one transaction. One attempt is a batch of one.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orders import crew, ladders
from orders.clients.gateway import Link, Status
from orders.clients.registry import gateway
from orders.errors import LostLease
from orders.leases import End, finish_all
from orders.models import Attempt, Order
from orders.resilience.breaker import working_on
from orders.resilience.outcome import Answered, Outcome
from orders.services import links, settlement
from orders.services.judgement import MONEY, Verdict
from orders.services.settlement import LIVE, Case
from orders.states import AttemptState, InboundVerb
from orders.transitions import lock_again, lock_all

# Seconds for the questions of one batch: with the writing they stay inside one lease (12 s), so
# that one gateway that hangs does not cost the answers of the others.
PATIENCE = 8.0
# What is read of an order for nearly every answer; the rest is fetched where it is wanted.
OF_AN_ORDER = (
    "public_id",
    "service",
    "method",
    "amount",
    "currency",
    "state",
    "version",
    "entered_at",
    "owning_attempt",
)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a leased attempt brought: an answer to apply, a link found, or a wait.

    `due_at` is when to look again where there is nothing to apply.
    """

    attempt: Attempt
    status: Status | None = None
    link: Link | None = None
    is_repeated: bool = False
    waits: Verdict = field(default=Verdict(InboundVerb.REPEAT, ""))
    due_at: datetime | None = None
    problem: str = ""
    was_asked: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """The attempt as it is now, and the verdict."""

    attempt: Attempt
    verdict: Verdict


def work(attempt: Attempt) -> None:
    """One look at a due attempt, leased by the caller: make its link, ask about it, or close it."""
    if attempt.state == AttemptState.REQUESTED:
        links.make_link(attempt)
    else:
        ask(attempt)


def ask(attempt: Attempt) -> Verdict:
    """Ask the gateway about a leased attempt, apply the answer, and set the next look.

    Raises LostLease when another worker took the attempt over: nothing is written then.
    """
    return _applied(look(attempt, attempt.order.state, until=time.monotonic() + PATIENCE))


def close(attempt: Attempt) -> Verdict:
    """Make it unpayable at the gateway first, then here, so that nobody pays for nothing."""
    return _applied(_closed(attempt, until=time.monotonic() + PATIENCE))


def _applied(one: Look) -> Verdict:
    with transaction.atomic():
        told = write([one])
    after(told, [one])
    if one.attempt.pk not in told:
        raise LostLease(str(one.attempt))
    return told[one.attempt.pk].verdict


def look_all(attempts: Sequence[Attempt]) -> Sequence[Look]:
    """Ask about each leased attempt, side by side. Nothing is read or written in the threads."""
    until = time.monotonic() + PATIENCE
    of_orders = {attempt.order_id for attempt in attempts}
    states = dict(Order.objects.filter(pk__in=of_orders).values_list("pk", "state"))
    return crew.each(lambda attempt: look(attempt, states[attempt.order_id], until=until), attempts)


def look(attempt: Attempt, order_state: str, *, until: float) -> Look:
    """Ask about one attempt, before `until` (monotonic clock); close it where nobody may pay it any more."""
    if time.monotonic() >= until:
        return Look(attempt, waits=_waiting("not asked yet"), due_at=ladders.rung((1,), 1), was_asked=False)
    outcome = _ask(attempt, until=until)
    if not isinstance(outcome, Answered):
        return _unanswered(attempt, outcome, f"{attempt.gateway} did not answer")
    status = outcome.data
    if _too_early_to_believe(attempt, status):
        return Look(attempt, waits=_waiting("nothing there yet"), due_at=links.next_look(attempt))
    if status.state == AttemptState.OPEN and attempt.state in LIVE:
        return _still_open(attempt, status, order_state, until=until)
    return Look(attempt, status=status)


def _ask(attempt: Attempt, *, until: float) -> Outcome[Status]:
    with working_on(f"attempt:{attempt.pk}"):  # also where a callback is judged: it is asked about the same attempt
        return gateway(attempt.gateway).ask_status(
            attempt.reference, **_question(attempt, until=until), paid_before=attempt.state in MONEY
        )


def _question(attempt: Attempt, *, until: float) -> dict[str, Any]:
    limit = float(settings.UPSTREAMS[attempt.gateway]["timeout"])
    return {
        "gateway_ref": attempt.gateway_reference,
        "amount": attempt.amount,
        "method": attempt.method,
        "currency": attempt.currency,
        "deadline": min(limit, until - time.monotonic()),
    }


def _waiting(sentence: str) -> Verdict:
    return Verdict(InboundVerb.REPEAT, sentence, is_final=False)


def _unanswered(attempt: Attempt, outcome: Outcome[Status], sentence: str) -> Look:
    due_at = links.next_look(attempt)
    return Look(attempt, waits=_waiting(sentence), due_at=due_at, problem=str(outcome)[:300])


def _too_early_to_believe(attempt: Attempt, status: Status) -> bool:
    absent = status.state == AttemptState.NOT_STARTED
    return absent and timezone.now() - attempt.entered_at < ladders.quarantine()


def _still_open(attempt: Attempt, status: Status, order_state: str, *, until: float) -> Look:
    """The customer has not paid: keep waiting, find a lost link, or close what nobody may pay."""
    if _should_close(attempt, order_state):
        return _closed(attempt, until=until)
    due_at = links.next_look(attempt)
    if attempt.state == AttemptState.UNKNOWN and status.link is not None:
        found = Verdict(InboundVerb.APPLY, "the link that was never answered exists")
        return Look(attempt, link=status.link, waits=found, due_at=due_at)
    if attempt.state == AttemptState.UNKNOWN and gateway(attempt.gateway).link_is_repeatable:
        again = Verdict(InboundVerb.REPEAT, "asked again under the same reference")
        return Look(attempt, is_repeated=True, waits=again, due_at=due_at)
    not_yet = Verdict(InboundVerb.REPEAT, f"{attempt.gateway} says {status.code}: not paid yet")
    return Look(attempt, waits=not_yet, due_at=due_at)


def _should_close(attempt: Attempt, order_state: str) -> bool:
    if order_state not in links.PAYABLE:
        return True
    closes_at = links.closes_at(attempt)
    return closes_at is not None and closes_at <= timezone.now()


def _closed(attempt: Attempt, *, until: float) -> Look:
    outcome = gateway(attempt.gateway).close(attempt.reference, **_question(attempt, until=until))
    if isinstance(outcome, Answered):
        return Look(attempt, status=outcome.data)
    # Refused: it is being paid; or no answer: the next look asks again.
    return _unanswered(attempt, outcome, "could not be closed yet")


def write(looks: Sequence[Look]) -> dict[int, Told]:
    """Write what all looks brought; by attempt. Call inside a transaction.

    Locks the orders, then the attempts, each by id. Attempts whose lease was lost are left out.
    """
    told: dict[int, Told] = {}
    for wave in _waves(looks):
        told |= _write_wave(wave)
    return told


def _waves(looks: Sequence[Look]) -> Sequence[Sequence[Look]]:
    """What is said of an order's second attempt is judged after the first is written."""
    waves: list[list[Look]] = []
    seen: dict[int, int] = {}
    for one in looks:
        place = seen.get(one.attempt.order_id, 0)
        seen[one.attempt.order_id] = place + 1
        if place == len(waves):
            waves.append([])
        waves[place].append(one)
    return waves


def _write_wave(looks: Sequence[Look]) -> dict[int, Told]:
    orders = lock_all(Order, (one.attempt.order_id for one in looks), only=OF_AN_ORDER)
    attempts = lock_again((one.attempt for one in looks), tells=("token",))
    ours = [one for one in looks if attempts[one.attempt.pk].token == one.attempt.token]
    cases = [
        Case(orders[one.attempt.order_id], attempts[one.attempt.pk], one.status)
        for one in ours
        if one.status is not None
    ]
    verdicts: Mapping[int, Verdict] = settlement.settle_all(cases)
    for one in ours:
        if one.link is not None:
            links.open_link(orders[one.attempt.order_id], attempts[one.attempt.pk], one.link)
    finish_all(_end(one) for one in ours if one.status is None and one.link is None and not one.is_repeated)
    return {one.attempt.pk: Told(attempts[one.attempt.pk], verdicts.get(one.attempt.pk, one.waits)) for one in ours}


def _end(one: Look) -> End:
    asked = {"asked_at": timezone.now(), "last_error": one.problem} if one.was_asked else {}
    return End(one.attempt, one.due_at, asked)


def after(told: Mapping[int, Told], looks: Sequence[Look]) -> None:
    """What has to wait for the transaction's end: asking again for links whose answer was lost."""
    repeated = [one.attempt for one in looks if one.is_repeated and one.attempt.pk in told]
    crew.each(links.make_link, repeated)
