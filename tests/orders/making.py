"""Rows in the state a test needs, put there along the edges of their machine."""

import itertools
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from orders.context import act_as
from orders.models import (
    Attempt,
    DeadLetter,
    DispatchEntry,
    InboundEvent,
    Item,
    Notice,
    Order,
    Posting,
    Refund,
    Saga,
    Step,
)
from orders.models.stateful import Stateful
from orders.states import Machine
from orders.transitions import move

_numbers = itertools.count(1)
Row = TypeVar("Row", bound=Stateful)


def path(machine: Machine, start: str, goal: str) -> list[tuple[str, str]]:
    """The shortest way from `start` to `goal`: (verb, target) by (verb, target)."""
    queue: deque[tuple[str, list[tuple[str, str]]]] = deque([(start, [])])
    seen = {start}
    while queue:
        state, way = queue.popleft()
        if state == goal:
            return way
        for verb in machine.verbs_from(state):
            target = str(machine.edges[state, verb])
            if target not in seen:
                seen.add(target)
                queue.append((target, [*way, (verb, target)]))
    raise AssertionError(f"{machine.name}: no way from {start} to {goal}")


def walk(row: Row, goal: str, *, at: datetime) -> Row:
    """Move `row` to `goal`, entered at `at`; the edges before it a microsecond apart."""
    way = path(row.machine, row.state, goal)
    for left, (verb, _target) in zip(range(len(way) - 1, -1, -1), way, strict=True):
        move(row, verb, actor="test", at=at - timedelta(microseconds=left))
    return row


def born(row: Row, goal: str, *, at: datetime) -> Row:
    """Write `row` as its machine's first state, and walk it to `goal`."""
    with transaction.atomic():
        row.state = max(row.machine.births)
        row.entered_at = row.created_at = at - timedelta(microseconds=50)
        act_as("test")
        row.save(force_insert=True)
        return walk(row, goal, at=at)


def make_order(state: str = "created", *, since: datetime | None = None, **fields: Any) -> Order:
    number = next(_numbers)
    facts: dict[str, Any] = {"public_id": f"T-{number}", "service": "taxi", "amount": 150_000, "method": "qris"}
    order = born(Order(**{**facts, **fields}), state, at=since or timezone.now())
    Item.objects.create(order=order, number=1, service=order.service, amount=order.amount)
    return order


def make_attempt(order: Order, state: str = "open", *, since: datetime | None = None, **fields: Any) -> Attempt:
    number = order.attempts.count() + 1
    facts: dict[str, Any] = {
        "number": number,
        "gateway": "midtrans",
        "method": order.method,
        "amount": order.amount,
        "currency": order.currency,
        "reference": f"{order.public_id}-{number}",
    }
    return born(Attempt(order=order, **{**facts, **fields}), state, at=since or timezone.now())


def make_saga(order: Order, state: str = "running", *, since: datetime | None = None, **fields: Any) -> Saga:
    at = since or timezone.now()
    facts: dict[str, Any] = {"kind": "booking", "deadline_at": at + timedelta(minutes=5)}
    return born(Saga(order=order, **{**facts, **fields}), state, at=at)


def make_step(saga: Saga, state: str = "pending", *, since: datetime | None = None, **fields: Any) -> Step:
    number = saga.steps.count() + 1
    facts: dict[str, Any] = {
        "number": number,
        "name": "book taxi",
        "partner": "tpg",
        "key": f"{saga.order.public_id}-s{saga.pk}-{number}",
        "item": saga.order.items.first(),
    }
    return born(Step(saga=saga, order=saga.order, **{**facts, **fields}), state, at=since or timezone.now())


def make_dispatch(step: Step, state: str = "waiting", *, since: datetime | None = None, **fields: Any) -> DispatchEntry:
    return born(DispatchEntry(order=step.order, step=step, **fields), state, at=since or timezone.now())


def make_refund(attempt: Attempt, state: str = "requested", *, since: datetime | None = None, **fields: Any) -> Refund:
    number = next(_numbers)
    facts: dict[str, Any] = {
        "amount": attempt.amount,
        "currency": attempt.currency,
        "cause": f"cause-{number}",
        "requested_by": "policy:test",
        "key": f"rf-{number}",
    }
    row = Refund(order_id=attempt.order_id, attempt=attempt, **{**facts, **fields})
    return born(row, state, at=since or timezone.now())


def make_posting(order: Order, state: str = "due", *, since: datetime | None = None, **fields: Any) -> Posting:
    at = since or timezone.now()
    facts: dict[str, Any] = {
        "kind": "payment",
        "reference": f"{order.public_id}-{next(_numbers)}",
        "amount": order.amount,
        "currency": order.currency,
        "occurred_at": at,
    }
    return born(Posting(order=order, **{**facts, **fields}), state, at=at)


def make_message(order: Order, state: str = "stored", *, since: datetime | None = None, **fields: Any) -> InboundEvent:
    facts: dict[str, Any] = {"source": "midtrans", "digest": next(_numbers).to_bytes(32), "raw": b"{}"}
    return born(InboundEvent(order=order, **{**facts, **fields}), state, at=since or timezone.now())


def make_letter(
    order: Order | None = None, state: str = "dead", *, since: datetime | None = None, **fields: Any
) -> DeadLetter:
    body = '{"version":1}'
    facts: dict[str, Any] = {
        "consumer": "tests",
        "event_id": f"made-{next(_numbers)}",  # `h-` and a number would be that of some row of the history
        "reason": "no use",
        "raw": body.encode(),
        "body": body,
    }
    return born(DeadLetter(order=order, **{**facts, **fields}), state, at=since or timezone.now())


def make_notice(order: Order, state: str = "queued", *, since: datetime | None = None, **fields: Any) -> Notice:
    facts: dict[str, Any] = {"template": "paid", "key": f"n-{next(_numbers)}", "channel": "sms", "provider": "twilio"}
    return born(Notice(order=order, **{**facts, **fields}), state, at=since or timezone.now())


_MAKERS: Mapping[str, Callable[[Order, str], Stateful]] = {
    "attempt": make_attempt,
    "refund": lambda order, state: make_refund(make_attempt(order, "paid"), state),
    "saga": make_saga,
    "step": lambda order, state: make_step(make_saga(order), state),
    "dispatch": lambda order, state: make_dispatch(make_step(make_saga(order)), state),
    "posting": make_posting,
    "inbound": make_message,
    "letter": make_letter,
    "notice": make_notice,
}


def make_any(machine: str, state: str) -> Stateful:
    """A row of any machine in any of its states, with whatever it needs around it."""
    return make_order(state) if machine == "order" else _MAKERS[machine](make_order(), state)
