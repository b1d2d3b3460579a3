"""Diagnoses of stuck orders, and the copy of them that lists and groupings read."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from orders.diagnosis.findings import Finding, stored
from orders.diagnosis.gathering import gather
from orders.diagnosis.rules import judge
from orders.models import Diagnosis, Order
from orders.queries.stuck import StuckRow, forgettable, stuck_order, undiagnosed

# Evidence changes without the order: a message comes, a gateway is asked. Older ones are redone.
FRESH = timedelta(seconds=60)


def diagnose(rows: Sequence[StuckRow]) -> dict[int, Finding]:
    """Why each of these hangs, by order. A fixed number of queries, however many rows."""
    if not rows:
        return {}
    return {order_id: judge(evidence) for order_id, evidence in gather(rows).items()}


def diagnose_order(order: Order) -> Finding | None:
    """Why this order hangs, judged now; None when it does not hang."""
    row = stuck_order(order)
    return diagnose([row])[order.pk] if row else None


def refresh_diagnoses(batch: int = 500) -> int:
    """Write the diagnoses that are missing or stale, the oldest stuck first, and forget those of
    orders that are stuck no more. How many were written."""
    rows = undiagnosed(older_than=timezone.now() - FRESH, limit=batch)
    found = diagnose(rows)
    Diagnosis.objects.bulk_create(
        [_row(row, found[row.order_id]) for row in rows],
        update_conflicts=True,
        unique_fields=["order"],
        update_fields=["cause", "confidence", "next_step", "evidence", "order_version", "computed_at"],
    )
    with connection.cursor() as cursor:
        cursor.execute(*forgettable(older_than=timezone.now() - FRESH))
    return len(rows)


def _row(row: StuckRow, finding: Finding) -> Diagnosis:
    return Diagnosis(
        order_id=row.order_id,
        cause=finding.cause,
        confidence=finding.confidence,
        next_step=finding.next_step,
        evidence=stored(finding.evidence),
        order_version=row.version,
        computed_at=timezone.now(),
    )
