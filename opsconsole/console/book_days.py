"""What lies open between the books, by its age."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opsconsole.console.break_words import BUCKET_WORDS
from reconciliation.ageing import BUCKETS
from reconciliation.queries.totals import Ageing, ageing


def by_age(now: datetime) -> list[dict[str, Any]]:
    """Open breaks by their age, every bucket, with its share of all."""
    found = ageing(now)
    total = sum(each.breaks for each in found)
    return [_bucket(name, [each for each in found if each.bucket == name], total) for name in BUCKETS]


def _bucket(name: str, these: Sequence[Ageing], total: int) -> dict[str, Any]:
    count = sum(each.breaks for each in these)
    return {
        "label": BUCKET_WORDS[name],
        "value": name,
        "count": count,
        "money": [(each.money, each.currency) for each in these],
        "share": count / total if total else 0.0,
    }
