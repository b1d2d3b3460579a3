"""What went live around a window, and how the orders before and after it fared: evidence for or against a deploy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from orders.queries.stuck.lists import fetch
from runbooks.models import DeployNote, Incident
from runbooks.queries.board import Window

BEFORE: Final = timedelta(hours=1)  # what went live so long before the window may still be its cause
MOST: Final = 12

_COUNTED: Final = """
SELECT n.id,
    count(*) FILTER (WHERE o.placed_at < n.at) AS before,
    count(*) FILTER (WHERE o.placed_at < n.at AND o.is_hurt) AS before_hurt,
    count(*) FILTER (WHERE o.placed_at >= n.at) AS after,
    count(*) FILTER (WHERE o.placed_at >= n.at AND o.is_hurt) AS after_hurt
FROM runbooks_deploynote n
CROSS JOIN (
    SELECT o.placed_at,
        EXISTS (SELECT FROM runbooks_cohortorder c WHERE c.order_id = o.id AND c.incident_id = %(incident)s)
        OR EXISTS (SELECT FROM orders_diagnosis d WHERE d.order_id = o.id) AS is_hurt
    FROM orders_order o WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s) o
WHERE n.id = ANY(%(ids)s)
GROUP BY n.id
"""


@dataclass(frozen=True, slots=True)
class Deployed:
    """One note, with the orders of the window placed before it and from it on; the hurt among them."""

    note: DeployNote
    before: int = 0
    before_hurt: int = 0
    after: int = 0
    after_hurt: int = 0


def deployed(incident: Incident, window: Window) -> Sequence[Deployed]:
    """Of every service, the newest first: what broke one is often a new version of another. Two statements."""
    notes = list(
        DeployNote.objects.filter(at__gte=window.since - BEFORE, at__lt=window.until).order_by("-at", "-pk")[:MOST]
    )
    if not notes:
        return []
    asked = {"incident": incident.pk, "since": window.since, "until": window.until, "ids": [each.pk for each in notes]}
    counted = {row.pop("id"): row for row in map(dict, fetch(_COUNTED, asked))}
    return [Deployed(each, **counted.get(each.pk, {})) for each in notes]
