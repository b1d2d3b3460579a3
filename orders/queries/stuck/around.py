"""The orders a reader has before them, as they are now."""

# ruff: noqa: S608

from collections.abc import Sequence

from orders.policies import Limits
from orders.queries.stuck.lists import WITH_HELD, StuckRow, ask, told


def stuck_among(order_ids: Sequence[int], *, limits: Limits | None = None) -> list[StuckRow]:
    """Those of the orders that are stuck now, held or not, whatever a list's filter."""
    question = ask(WITH_HELD, as_of=None, limits=limits)
    question.params["among"] = list(order_ids)
    return told(question, f"SELECT * FROM ({question.union()}) w WHERE w.order_id = ANY(%(among)s)")
