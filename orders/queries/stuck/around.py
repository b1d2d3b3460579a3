"""The stuck list seen from rows a reader has: the page before them, and how they are now."""

# ruff: noqa: S608

from collections.abc import Sequence

from orders.policies import Limits
from orders.queries.places import Place
from orders.queries.stuck.filters import StuckFilter
from orders.queries.stuck.lists import WITH_HELD, StuckPage, StuckRow, ask, told


def stuck_page_before(
    wanted: StuckFilter, *, before: Place, limit: int = 50, limits: Limits | None = None
) -> tuple[StuckPage, bool]:
    """The page that ends right before a place, and whether there are rows before it."""
    question = ask(wanted, as_of=None, limits=limits)
    question.params.update(before_since=before.at, before_id=before.row_id)
    rows = told(
        question,
        f"SELECT * FROM ({question.union()}) w WHERE (w.since, w.order_id) < (%(before_since)s, %(before_id)s)"
        f" ORDER BY w.since DESC, w.order_id DESC LIMIT {limit + 1:d}",
    )
    shown = rows[-limit:]
    after = Place(shown[-1].since, shown[-1].order_id) if shown else None
    return StuckPage(rows=shown, after=after), len(rows) > limit


def stuck_among(order_ids: Sequence[int], *, limits: Limits | None = None) -> list[StuckRow]:
    """Those of the orders that are stuck now, held or not, whatever a list's filter."""
    question = ask(WITH_HELD, as_of=None, limits=limits)
    question.params["among"] = list(order_ids)
    return told(question, f"SELECT * FROM ({question.union()}) w WHERE w.order_id = ANY(%(among)s)")
