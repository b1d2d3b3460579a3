"""Pure answers about time: how long something may stay where it is before it counts as stuck.

The limits of open states follow domain, section 5. Those of a trip differ by service, because a
trip does: a taxi ride of six hours, a shuttle of twelve, a parcel of a day, a rental of a week.
What only a person can move (money on a closed order, money that does not fit, a saga that gave up, a
refund or an entry that was refused) is stuck at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from orders.states import (
    AttemptState,
    DispatchState,
    OrderState,
    PostingState,
    RefundState,
    SagaState,
    Service,
)

AT_ONCE = timedelta(0)
ANY_SERVICE = ""

# (machine, state, service) to the longest stay. A row of StuckLimit overrides one.
DEFAULT_LIMITS: Mapping[tuple[str, str, str], timedelta] = MappingProxyType(
    {
        ("order", OrderState.CREATED, ANY_SERVICE): timedelta(minutes=30),
        ("order", OrderState.AWAITING_PAYMENT, ANY_SERVICE): timedelta(minutes=30),
        ("order", OrderState.PAID, ANY_SERVICE): timedelta(minutes=10),
        ("order", OrderState.BOOKING, ANY_SERVICE): timedelta(minutes=5),
        ("order", OrderState.QUEUED_FOR_DISPATCH, ANY_SERVICE): timedelta(minutes=15),
        ("order", OrderState.ACTIVE, ANY_SERVICE): timedelta(hours=24),
        ("order", OrderState.ACTIVE, Service.TAXI): timedelta(hours=6),
        ("order", OrderState.ACTIVE, Service.SHUTTLE): timedelta(hours=12),
        ("order", OrderState.ACTIVE, Service.DELIVERY): timedelta(hours=24),
        ("order", OrderState.ACTIVE, Service.RENT): timedelta(days=7),
        ("order", OrderState.PAID_AFTER_CLOSE, ANY_SERVICE): AT_ONCE,
        # Only where money came: see orders/queries/stuck/arms.py.
        ("attempt", AttemptState.MISMATCH, ANY_SERVICE): AT_ONCE,
        ("saga", SagaState.NEEDS_HAND, ANY_SERVICE): AT_ONCE,
        ("saga", SagaState.COMPENSATING, ANY_SERVICE): timedelta(minutes=5),
        # A retry every five minutes restarts the order's clock, not the entry's.
        ("dispatch", DispatchState.WAITING, ANY_SERVICE): timedelta(minutes=15),
        ("dispatch", DispatchState.CLAIMED, ANY_SERVICE): timedelta(minutes=15),
        ("dispatch", DispatchState.SENDING, ANY_SERVICE): timedelta(minutes=15),
        ("refund", RefundState.REQUESTED, ANY_SERVICE): timedelta(minutes=30),
        ("refund", RefundState.APPROVED, ANY_SERVICE): timedelta(minutes=30),
        ("refund", RefundState.SENT, ANY_SERVICE): timedelta(minutes=30),
        ("refund", RefundState.UNKNOWN, ANY_SERVICE): timedelta(minutes=30),
        ("refund", RefundState.FAILED, ANY_SERVICE): AT_ONCE,
        ("posting", PostingState.DUE, ANY_SERVICE): timedelta(minutes=30),
        ("posting", PostingState.SENT, ANY_SERVICE): timedelta(minutes=30),
        ("posting", PostingState.UNKNOWN, ANY_SERVICE): timedelta(minutes=30),
        ("posting", PostingState.REJECTED, ANY_SERVICE): AT_ONCE,
    }
)


class LimitRow(Protocol):
    """What a row of StuckLimit has."""

    subject: str
    state: str
    service: str
    seconds: int


@dataclass(frozen=True)
class Limits:
    """All limits in force. The one for a service wins over the one for all services."""

    of: Mapping[tuple[str, str, str], timedelta] = field(default_factory=lambda: DEFAULT_LIMITS)

    def limit(self, machine: str, state: str, service: str) -> timedelta | None:
        """How long it may stay there; None where it may stay for ever."""
        return self.of.get((machine, state, service), self.of.get((machine, state, ANY_SERVICE)))

    def states(self, machine: str) -> tuple[str, ...]:
        """The states of `machine` that have a limit."""
        return tuple(sorted({str(state) for of, state, _service in self.of if of == machine}))

    def by_service(self, machine: str, state: str) -> dict[str, timedelta]:
        """The limit for each service that has one; '' for the others, when they have one."""
        return {service: limit for (of, where, service), limit in self.of.items() if (of, where) == (machine, state)}

    def is_stuck(self, machine: str, state: str, service: str, *, since: datetime, at: datetime) -> bool:
        """Whether what entered `state` at `since` has been there too long at `at`."""
        limit = self.limit(machine, state, service)
        return limit is not None and at - since >= limit


def overridden(rows: Iterable[LimitRow]) -> Limits:
    """The defaults with an operator's rows laid over them."""
    own = {(row.subject, row.state, row.service): timedelta(seconds=row.seconds) for row in rows}
    return Limits(MappingProxyType({**DEFAULT_LIMITS, **own}))
