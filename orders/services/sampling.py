"""A sample of the stuck list each minute: lines of the last day, and what came free today.

The list itself has no memory, and asking the history how it was at a past instant reads all of it.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from orders.models import StuckSample
from orders.queries.stuck import limits_in_force, stuck_totals
from orders.queries.stuck.recovered import recovered

KEPT = timedelta(days=31)
EVERY = timedelta(minutes=1)

# Rows written by transactions that are still open may become visible after a later one's.
SETTLED = timedelta(seconds=5)


def sample(*, at: datetime | None = None) -> StuckSample:
    """Write how much is stuck now and what came free since the last sample; forget what is a month old."""
    now = (at or timezone.now()) - SETTLED
    limits = limits_in_force()
    last = StuckSample.objects.order_by("-at").values_list("at", flat=True).first()
    since = max(last, now - KEPT) if last else now - EVERY
    totals, freed = stuck_totals(limits=limits), recovered(after=since, until=now, limits=limits)
    StuckSample.objects.filter(at__lt=now - KEPT).delete()
    return StuckSample.objects.create(
        at=now,
        count=totals.count,
        paid_count=totals.paid_count,
        money=totals.money,
        paid_money=totals.paid_money,
        oldest_since=totals.oldest,
        recovered=freed.count,
        recovered_by_hand=freed.by_hand,
    )
