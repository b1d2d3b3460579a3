"""Giving back what a run holds, row by row."""

from collections.abc import Iterable

from orders.services import locks
from runbooks.models import Plan, PlanRow


def let_go(plan: Plan, rows: Iterable[PlanRow]) -> None:
    """These rows have ended: others may work on their subjects.

    Where several rows are about one order (its breaks, say), the order is kept until the run ends.
    """
    if plan.subject == "order":
        locks.let_go(plan.code, keys=[row.lock_key for row in rows])
    else:
        locks.let_go(plan.code, keys=[row.lock_key for row in rows if row.lock_key == row.resource])
