"""The dispatch queue: taxi bookings that wait for TPG/BBD, or for a person.

An entry that waits is sent again every five minutes (domain, section 3), unless the breaker is open.
The sending itself is the booking saga's step; the entry only says that it waits and when to try again.
"""

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.context import act_as
from orders.leases import finish, hold
from orders.models import DispatchEntry, Order, Saga, Step
from orders.resilience import breaker
from orders.services import sagas
from orders.states import (
    DispatchState,
    DispatchVerb,
    SagaState,
    StepState,
)
from orders.transitions import lock, move

WAITING = (DispatchState.WAITING, DispatchState.CLAIMED)
LIVE = (*WAITING, DispatchState.SENDING)


def enqueue(order: Order, step: Step, *, reason: str) -> None:
    """Put a step into the queue, or back into it after another try. Lock: order."""
    entry = step.dispatches.filter(state=DispatchState.SENDING).first()
    due_at = ladders.rung(ladders.DISPATCH, 1)
    if entry:
        move(entry, DispatchVerb.RELEASE, actor="worker", reason=reason, due_at=due_at)
        return
    act_as("worker", reason=reason)
    DispatchEntry.objects.create(order=order, step=step, city=order.city, state=DispatchState.WAITING, due_at=due_at)


def work(entry: DispatchEntry) -> None:
    """Five minutes are over: let the saga try the step again. `entry` is leased by the caller.

    While the dispatch system's breaker is open nothing is tried and nothing is written down: the next
    try is when the breaker lets one through.
    """
    tpg = breaker.state_of("tpg")
    if tpg.is_open:
        finish(entry, due_at=_after_breaker(tpg), last_error=f"the breaker of {tpg.name} is open")
        return
    with transaction.atomic():
        lock(entry.order)
        saga = lock(entry.step.saga)
        hold(entry)
        now = lock(entry)
        finish(entry, due_at=None)
        if may_send(now) and saga.state == SagaState.RUNNING:
            try_again(saga, now, actor="policy:dispatch-retry")


def may_send(entry: DispatchEntry) -> bool:
    """Nobody holds it, and no car was found by phone that may be on its way."""
    return entry.state == DispatchState.WAITING and not entry.vehicle


def pause() -> datetime | None:
    """Until when the dispatch system is not worth asking; None when it may be asked now.

    A breaker that somebody holds open without an end is as good as open for one more retry.
    """
    tpg = breaker.state_of("tpg")
    return (tpg.until or ladders.rung(ladders.DISPATCH, 1)) if tpg.is_open else None


def _after_breaker(tpg: breaker.BreakerState) -> datetime:
    """Spread, so that the whole queue does not come back in the second the breaker lets probes through."""
    spread = timedelta(seconds=random.uniform(1, 10))  # noqa: S311
    return (tpg.until or timezone.now()) + spread


def try_again(saga: Saga, entry: DispatchEntry, *, actor: str) -> None:
    """Send a waiting entry to the dispatch system now. Lock: order, saga.

    The order stays queued meanwhile, so its age says how long the customer has been waiting.
    """
    move(entry, DispatchVerb.SEND, actor=actor, due_at=None, claimed_by="", claimed_at=None, touched_at=None)
    saga_again(saga)


def saga_again(saga: Saga) -> None:
    """A fresh five minutes for a saga that waited for the queue. Lock: saga."""
    now = timezone.now()
    Saga.objects.filter(pk=saga.pk).update(due_at=now, deadline_at=now + sagas.LIMIT, lease_until=None, tries=0)
    Step.objects.filter(saga=saga, state=StepState.PENDING).update(tries=0)
    ring("saga")


def close_all(saga: Saga) -> None:
    """The saga ended: its entries are dispatched, or no longer wanted. Lock: order, saga."""
    for entry in DispatchEntry.objects.filter(step__saga=saga, state__in=LIVE):
        step_done = entry.step.state == StepState.DONE
        if step_done and entry.state in (DispatchState.SENDING, DispatchState.CLAIMED):
            move(entry, DispatchVerb.DISPATCH, actor="partner:tpg", due_at=None)
        else:
            move(entry, DispatchVerb.WITHDRAW, actor="worker", due_at=None, freed_at=timezone.now())
