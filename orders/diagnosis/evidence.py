"""Everything known about a hanging order, as plain facts. Rules see only this."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# A worker gives a sign every few seconds; after this long it is taken for dead.
WORKER_SILENCE = timedelta(seconds=30)
# Work that is due and free for so long is waiting for a worker, not for its turn.
OVERDUE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A row that is a piece of work: its state and its clocks."""

    id: int = 0
    state: str = ""
    entered_at: datetime | None = None
    due_at: datetime | None = None
    lease_until: datetime | None = None
    tries: int = 0
    last_error: str = ""

    def is_leased(self, at: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > at

    def is_overdue(self, at: datetime) -> bool:
        """Due for long, and no worker holds it."""
        return self.due_at is not None and at - self.due_at >= OVERDUE and not self.is_leased(at)

    def was_abandoned(self, at: datetime) -> bool:
        """A worker took it and let its lease run out without finishing."""
        return self.lease_until is not None and at - self.lease_until >= OVERDUE


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts(Work):
    number: int = 1
    gateway: str = ""
    method: str = ""
    reference: str = ""
    amount: int = 0
    answer: str = ""
    asked_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundFacts(Work):
    source: str = ""
    claim: str = ""
    verdict: str = ""
    received_at: datetime | None = None
    attempt_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaFacts(Work):
    kind: str = ""
    failure: str = ""
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts(Work):
    saga_id: int = 0
    number: int = 1
    partner: str = ""
    answer: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFacts(Work):
    claimed_by: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts(Work):
    attempt_id: int = 0
    amount: int = 0
    key: str = ""
    cause: str = ""
    asked_at: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingFacts(Work):
    kind: str = ""
    reference: str = ""
    asked_at: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """The state of our own processes: the last sign of each worker, by queue."""

    signs: dict[str, datetime] = field(default_factory=dict)

    def silent_for(self, queue: str, at: datetime) -> timedelta | None:
        """How long the workers of `queue` have given no sign; None while one lives."""
        alive = [seen for name, seen in self.signs.items() if name.startswith(f"worker-{queue}")]
        silence = at - max(alive) if alive else None
        return silence if silence is not None and silence >= WORKER_SILENCE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All about one order that hangs in `state` of `machine` since `since`. Sequences are in the
    order of their numbers or births; `held` is the money we hold of the customer's."""

    at: datetime
    since: datetime
    machine: str = "order"
    state: str = ""
    order_state: str = ""
    imported: bool = False
    service: str = ""
    method: str = ""
    amount: int = 0
    expires_at: datetime | None = None
    promised_by: datetime | None = None
    held: int = 0
    subject_id: int = 0
    attempts: Sequence[AttemptFacts] = ()
    inbound: Sequence[InboundFacts] = ()
    sagas: Sequence[SagaFacts] = ()
    steps: Sequence[StepFacts] = ()
    dispatches: Sequence[DispatchFacts] = ()
    refunds: Sequence[RefundFacts] = ()
    postings: Sequence[PostingFacts] = ()
    platform: Platform = Platform()

    @property
    def attempt(self) -> AttemptFacts | None:
        """The attempt that decides: the last one."""
        return self.attempts[-1] if self.attempts else None

    @property
    def saga(self) -> SagaFacts | None:
        return self.sagas[-1] if self.sagas else None

    @property
    def saga_steps(self) -> list[StepFacts]:
        """The steps of the last saga."""
        return [step for step in self.steps if self.saga and step.saga_id == self.saga.id]

    @property
    def refund(self) -> RefundFacts | None:
        return next((one for one in self.refunds if one.id == self.subject_id), None)

    @property
    def posting(self) -> PostingFacts | None:
        return next((one for one in self.postings if one.id == self.subject_id), None)

    @property
    def stored_messages(self) -> list[InboundFacts]:
        """Messages nobody has judged yet."""
        return [one for one in self.inbound if one.state == "stored"]
