"""Evidence for many orders at once: one query a table, however many orders."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from django.db.models import Model, Sum
from django.utils import timezone

from orders.diagnosis.evidence import (
    AttemptFacts,
    DispatchFacts,
    Evidence,
    InboundFacts,
    Platform,
    PostingFacts,
    RefundFacts,
    SagaFacts,
    StepFacts,
    Work,
)
from orders.models import (
    Attempt,
    DispatchEntry,
    Heartbeat,
    InboundEvent,
    LedgerEntry,
    Order,
    Posting,
    Refund,
    Saga,
    Step,
)
from orders.queries.stuck import StuckRow

Facts = TypeVar("Facts", bound=Work)

# Messages of one order are few; an order that was sent thousands still fits into memory.
_TABLES: tuple[tuple[str, type[Model], type[Work], str], ...] = (
    ("attempts", Attempt, AttemptFacts, "number"),
    ("inbound", InboundEvent, InboundFacts, "id"),
    ("sagas", Saga, SagaFacts, "id"),
    ("steps", Step, StepFacts, "number"),
    ("dispatches", DispatchEntry, DispatchFacts, "id"),
    ("refunds", Refund, RefundFacts, "id"),
    ("postings", Posting, PostingFacts, "id"),
)


def gather(rows: Sequence[StuckRow]) -> dict[int, Evidence]:
    """Evidence by order, for rows of the stuck list. Ten queries, all told."""
    ids = [row.order_id for row in rows]
    tables = {name: _facts(model, facts, ids=ids, order_by=order_by) for name, model, facts, order_by in _TABLES}
    orders = {order.pk: order for order in Order.objects.filter(pk__in=ids)}
    held = _held(ids)
    platform = Platform(dict(Heartbeat.objects.filter(name__startswith="worker-").values_list("name", "at")))
    return {
        row.order_id: _evidence(
            row,
            orders[row.order_id],
            held=held.get(row.order_id, 0),
            platform=platform,
            tables={name: found[row.order_id] for name, found in tables.items()},
        )
        for row in rows
    }


def _evidence(row: StuckRow, order: Order, *, held: int, platform: Platform, tables: Mapping[str, Any]) -> Evidence:
    return Evidence(
        # Clocks of workers and leases run now, also when the list is of a past instant.
        at=timezone.now(),
        since=row.since,
        machine=row.machine,
        state=row.state,
        order_state=row.order_state,
        imported=order.origin == Order.Origin.IMPORT,
        service=order.service,
        method=order.method,
        amount=order.amount,
        expires_at=order.expires_at,
        promised_by=order.promised_by,
        held=held,
        subject_id=row.subject_id,
        platform=platform,
        **tables,
    )


def _facts(model: type[Model], facts: type[Facts], *, ids: Sequence[int], order_by: str) -> dict[int, list[Facts]]:
    names = [field.name for field in fields(facts)]
    found: dict[int, list[Facts]] = defaultdict(list)
    rows: Iterable[dict[str, Any]] = (
        model._base_manager.filter(order_id__in=ids).order_by("order_id", order_by, "id").values("order_id", *names)
    )
    for row in rows:
        found[row.pop("order_id")].append(facts(**row))
    return found


def _held(ids: Sequence[int]) -> dict[int, int]:
    sums = LedgerEntry.objects.filter(order_id__in=ids).values("order_id").annotate(total=Sum("amount"))
    return {row["order_id"]: row["total"] for row in sums}
