"""What the money of a staged load is held against: payments that we know, and what is usual in its book."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

from reconciliation.models import Load
from reconciliation.services import engine
from reconciliation.states import LoadState

_MOST: Final = 2_000  # payments that are looked up: enough to tell a factor from an accident
_LOOK_BACK: Final = 20  # loads whose currencies are the usual ones


def factors() -> list[tuple[str, int]]:
    """How many known payments the file has how many times as much, the most first."""
    return [(factor, int(count)) for factor, count in _run("known_amounts", {"most": _MOST})]


def medians(load: Load) -> list[tuple[str, int, int, int, int]]:
    """By currency: payments and their median in the staged load, and in the last load of the feed."""
    last = _earlier(load).exclude(last_entry=None).order_by("-id").first()
    if last is None:
        return []
    return [
        (currency, int(lines), int(now), int(lines_before), int(before))
        for currency, lines, now, lines_before, before in _run(
            "usual_amounts", {"first": last.first_entry, "last": last.last_entry}
        )
    ]


def usual_currencies(load: Load) -> list[str]:
    """Those of the feed's last loads; none where there were none."""
    found = _earlier(load).order_by("-id").values_list("totals", flat=True)[:_LOOK_BACK]
    return sorted({currency for totals in found for currency in totals})


def span() -> tuple[datetime | None, datetime | None]:
    """The first and the last moment of the staged lines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(occurred_at), max(occurred_at) FROM staged")
        first, last = cursor.fetchone()
    return first, last


def _earlier(load: Load) -> Any:
    return Load.objects.filter(feed=load.feed, state=LoadState.LOADED).exclude(pk=load.pk)


def _run(name: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(engine.text(name), params)
        return list(cursor.fetchall())
