"""Everything one order's page shows, read in a fixed number of queries. Never writes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth import get_user_model

from orders.models import (
    Attempt,
    DispatchEntry,
    History,
    InboundEvent,
    Item,
    LedgerEntry,
    Notice,
    OperatorAction,
    Order,
    Posting,
    Refund,
    Saga,
    Step,
)
from orders.models.stateful import Stateful

# An order that was told the same ten thousand times must still open. The screen says when it is cut.
LONGEST = 2000
_USER = "user:"


@dataclass(frozen=True)
class OrderRows:
    """One order and its rows, each kind in the order of its numbers or births."""

    order: Order
    items: Sequence[Item]
    attempts: Sequence[Attempt]
    ledger: Sequence[LedgerEntry]
    refunds: Sequence[Refund]
    sagas: Sequence[Saga]
    steps: Sequence[Step]
    dispatches: Sequence[DispatchEntry]
    postings: Sequence[Posting]
    actions: Sequence[OperatorAction]
    notices: Sequence[Notice] = ()

    @cached_property
    def attempt_by_id(self) -> dict[int, Attempt]:
        return {attempt.pk: attempt for attempt in self.attempts}

    @cached_property
    def steps_by_saga(self) -> list[tuple[Saga, list[Step]]]:
        """The newest run first: that is the one that counts."""
        return [(saga, [step for step in self.steps if step.saga_id == saga.pk]) for saga in reversed(self.sagas)]

    @property
    def seen(self) -> str:
        """Another text whenever something changed that the neighbours could be asked about."""
        groups = (self.attempts, self.steps, self.postings, self.refunds)
        return "-".join(str(number) for number in (self.order.version, *(_versions(group) for group in groups)))


def _versions(rows: Sequence[Stateful]) -> int:
    return sum(row.version for row in rows)


@dataclass(frozen=True)
class Memory:
    """What happened to an order: its history, and the messages about it. Oldest first."""

    history: Sequence[History]
    messages: Sequence[InboundEvent]
    is_cut: bool = False


def find_order(public_id: str) -> Order | None:
    """By what people see; None when there is no such order."""
    return Order.objects.select_related("owner", "owning_attempt").filter(public_id=public_id).first()


def rows_of(order: Order) -> OrderRows:
    """Ten queries, all by the order's id."""
    return OrderRows(
        order=order,
        items=list(order.items.order_by("number")),
        attempts=list(order.attempts.order_by("number")),
        ledger=list(order.ledger.order_by("occurred_at", "pk")),
        refunds=list(order.refunds.select_related("attempt").order_by("pk")),
        sagas=list(order.sagas.order_by("pk")),
        steps=list(Step.objects.filter(order=order).select_related("item").order_by("saga_id", "number")),
        dispatches=list(order.dispatches.order_by("pk")),
        postings=list(order.postings.order_by("pk")),
        actions=list(order.actions.order_by("pk")),
        notices=list(Notice.objects.filter(order=order).order_by("pk")),
    )


def memory_of(order: Order) -> Memory:
    """The newest `LONGEST` rows of each kind."""
    history = list(History.objects.filter(order_id=order.pk).order_by("-seq")[:LONGEST])
    messages = list(InboundEvent.objects.filter(order=order).order_by("-pk")[:LONGEST])
    return Memory(history[::-1], messages[::-1], is_cut=LONGEST in (len(history), len(messages)))


def people(actors: Iterable[str]) -> dict[str, str]:
    """Full names by actor (`user:sari` is Sari Wulandari), for the actors that are people."""
    usernames = {actor.removeprefix(_USER) for actor in actors if actor.startswith(_USER)}
    if not usernames:
        return {}
    found = get_user_model()._base_manager.filter(username__in=usernames)
    return {f"{_USER}{user.get_username()}": user.get_full_name() or user.get_username() for user in found}
