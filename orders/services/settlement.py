"""Writing what gateways said: attempts, money and orders of a whole batch, in a dozen statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from orders.bells import ring
from orders.clients.gateway import Status
from orders.leases import End, finish_all
from orders.models import Attempt, Order, Saga
from orders.services import booking, ledger, links
from orders.services.judgement import Decision, Effect, Verdict, judge
from orders.states import AttemptState, OrderVerb, SagaState, Service
from orders.transitions import Move, move_all, record

LIVE = (AttemptState.UNKNOWN, AttemptState.OPEN)
# What each effect is: a verb of the order, or a fact that leaves it where it is.
ORDER_VERB = {
    Effect.PAY: OrderVerb.PAY,
    Effect.PAY_LATE: OrderVerb.PAY_LATE,
    Effect.REVERSE: OrderVerb.REVERSE,
}
FACT = {Effect.PAID_TWICE: "paid_twice", Effect.REVERSED_AFTER_BOOKING: "reversed_after_booking"}


@dataclass(frozen=True, slots=True)
class Case:
    """One answer about one attempt. Both rows are as they are now, locked, and the lease is ours."""

    order: Order
    attempt: Attempt
    status: Status


@dataclass(frozen=True, slots=True)
class _Judged:
    case: Case
    decision: Decision
    now: datetime

    @property
    def actor(self) -> str:
        return f"gateway:{self.case.attempt.gateway}"

    @property
    def at(self) -> datetime:
        """When it happened in the world, as far as the gateway says."""
        return self.decision.at or self.now


def settle_all(cases: Sequence[Case]) -> dict[int, Verdict]:
    """Judge each case and write all that follows; verdicts by attempt.

    At most one case of an order. Gives the attempts' leases back with the next look.
    """
    now = timezone.now()
    judged = [_Judged(case, judge(case.order, case.attempt, case.status), now) for case in cases]
    _write_attempts(judged)
    ledger.write_all(_facts(judged))
    _write_orders(judged)
    for one in judged:
        links.fail_over(one.case.order, one.case.attempt)
    return {one.case.attempt.pk: one.decision.verdict for one in judged}


def _write_attempts(judged: Iterable[_Judged]) -> None:
    """The next look is set with the move, so that each row is written once."""
    moves, ends = [], []
    for one in judged:
        attempt, decision = one.case.attempt, one.decision
        if decision.verb is None:
            ends.append(End(attempt, _next_look(attempt, attempt.state), {"asked_at": one.now, "last_error": ""}))
        else:
            changes = _given_back(one, str(attempt.machine.target(attempt.state, decision.verb)))
            moves.append(
                Move(attempt, decision.verb, one.actor, reason=decision.reason, at=decision.at, changes=changes)
            )
    move_all(moves)
    finish_all(ends)


def _given_back(one: _Judged, target: str) -> Mapping[str, Any]:
    return {
        "answer": one.decision.reason[:120],
        "asked_at": one.now,
        "last_error": "",
        "due_at": _next_look(one.case.attempt, target),
        "lease_until": None,
    }


def _next_look(attempt: Attempt, state: str) -> datetime | None:
    return links.next_look(attempt, state=state) if state in LIVE else None


def _facts(judged: Iterable[_Judged]) -> Iterable[ledger.Fact]:
    for one in judged:
        money = one.decision.money
        if money is not None:
            yield ledger.Fact(one.case.attempt, money.kind, money.amount, one.decision.money_at or one.now)


def _write_orders(judged: Sequence[_Judged]) -> None:
    move_all(_order_move(one) for one in judged if one.decision.effect in ORDER_VERB)
    # A booking that waited to see whether the bank takes the money back has its answer.
    gone = [one.case.order.pk for one in judged if one.decision.effect == Effect.REVERSE]
    if gone and Saga.objects.filter(order__in=gone, state=SagaState.RUNNING).update(due_at=timezone.now()):
        ring("saga")
    # Goods have a saga already: that they are paid is an event to it.
    newly_paid = (one.case.order for one in judged if one.decision.effect == Effect.PAY)
    paid = [order for order in newly_paid if order.service != Service.GOODS]
    if paid:
        booking.start_all(paid)
    for one in judged:
        if one.decision.effect in FACT:
            verb = FACT[one.decision.effect]
            record(one.case.order, verb, actor=one.actor, subject=one.case.attempt, at=one.at)


def _order_move(one: _Judged) -> Move:
    effect, attempt = one.decision.effect, one.case.attempt
    if effect == Effect.REVERSE:
        reason = "charge taken back before booking"
        return Move(one.case.order, ORDER_VERB[effect], one.actor, reason=reason)
    at = one.at if effect == Effect.PAY else None
    return Move(one.case.order, ORDER_VERB[effect], one.actor, at=at, changes={"owning_attempt": attempt})
