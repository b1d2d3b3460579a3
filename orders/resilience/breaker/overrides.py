"""What operators decided about breakers: rows, because Redis may lose everything."""

from collections.abc import Mapping

from django.db.models.functions import Now

from orders.models import BreakerOverride


def living() -> Mapping[str, BreakerOverride]:
    """By neighbour."""
    return {row.upstream: row for row in BreakerOverride.objects.filter(until__gt=Now())}


def mode_of(name: str) -> str:
    """'open', 'closed', or '' where nobody decided anything."""
    rows = BreakerOverride.objects.filter(upstream=name, until__gt=Now())
    return rows.values_list("mode", flat=True).first() or ""
