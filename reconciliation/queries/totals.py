"""What lies open, added up: from a small table that PostgreSQL keeps in step with the breaks (docs/adr/0075)."""

from datetime import date, datetime
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Sum

from reconciliation.ageing import BUCKETS, bucket_bounds
from reconciliation.models import BreakTotal


class Ageing(NamedTuple):
    """Open breaks of one age and currency: how many, and the money at stake in minor units."""

    bucket: str
    currency: str
    breaks: int
    money: int


# The hours in which an age ends are counted break by break; all others belong to one age as a whole.
_BY_AGE: Final = """
WITH edges AS (SELECT e, date_trunc('hour', e, 'UTC') AS hour FROM unnest(%(edges)s::timestamptz[]) AS e),
parts AS (
    SELECT t.hour AS at, t.currency, t.breaks, t.money
    FROM reconciliation_breaktotal t WHERE t.hour NOT IN (SELECT hour FROM edges)
    UNION ALL
    SELECT b.occurred_at, b.currency, 1, b.exposure
    FROM (SELECT DISTINCT hour FROM edges) h
    JOIN reconciliation_break b
      ON b.state = 'open' AND b.occurred_at >= h.hour AND b.occurred_at < h.hour + interval '1 hour'
)
SELECT (SELECT count(*) FROM edges WHERE p.at < e), currency, sum(breaks), sum(money)
FROM parts p GROUP BY 1, 2 HAVING sum(breaks) > 0 ORDER BY 1, 2
"""


def ageing(now: datetime) -> list[Ageing]:
    """Open breaks by their age in business days, youngest bucket first; buckets without any are left out. One query."""
    edges = [oldest for _newest, oldest in bucket_bounds(now) if oldest is not None]
    with connection.cursor() as cursor:
        cursor.execute(_BY_AGE, {"edges": edges})
        return [
            Ageing(BUCKETS[number], currency, int(breaks), int(money))
            for number, currency, breaks, money in cursor.fetchall()
        ]


def by_day(first: date, last: date) -> dict[date, dict[str, tuple[int, int]]]:
    """Open breaks of each business day that has any, both days included: by currency, how many and the money."""
    found: dict[date, dict[str, tuple[int, int]]] = {}
    sums = BreakTotal.objects.filter(business_date__range=(first, last)).values("business_date", "currency")
    for row in sums.annotate(count=Sum("breaks"), at_stake=Sum("money")).filter(count__gt=0):
        found.setdefault(row["business_date"], {})[row["currency"]] = int(row["count"]), int(row["at_stake"])
    return found


def open_breaks() -> int:
    """How many there are in all."""
    return int(BreakTotal.objects.aggregate(all=Sum("breaks"))["all"] or 0)
