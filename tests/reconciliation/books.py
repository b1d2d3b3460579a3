"""Books of a few lines, made by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciliation.business_day import ZONE
from reconciliation.lines import Columns
from reconciliation.models import Feed, Load
from reconciliation.services.entries import Check, Line, TakenIn, nothing_to_object, take_in

# 10:00 in Jakarta, a week ago: what is much older is no longer waited for. For seven hours of every day there,
# UTC is still at the one before.
AT = datetime.now(ZONE).replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC) - timedelta(days=7)
LATER = AT + timedelta(days=30)


def feed(side: str, source: str = "", *, complete_up_to: datetime | None = LATER) -> Feed:
    """The feed of that name; complete long after everything in these tests unless said otherwise."""
    found, _new = Feed.objects.update_or_create(
        side=side, source=source or side, defaults={"complete_up_to": complete_up_to}
    )
    return found


def line(amount: int, *, order: str = "", number: int = 1, kind: str = "payment", **fields: Any) -> Line:
    """A payment in rupiah at `AT` unless said otherwise."""
    given = {"currency": "IDR", "occurred_at": AT, "order_reference": order} | fields
    return Line(line=number, kind=kind, amount=amount, **given)


def load_into(
    feed: Feed, lines: Iterable[Line | Columns], *, name: str = "book.csv", check: Check = nothing_to_object
) -> TakenIn:
    return take_in(Load.objects.create(feed=feed, name=name), lines, check=check)
