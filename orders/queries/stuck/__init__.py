"""What is stuck: a query over states and their ages, never a flag. See docs/stuck.md."""

from orders.queries.stuck.filters import StuckFilter
from orders.queries.stuck.limits import limits_in_force
from orders.queries.stuck.lists import (
    StuckPage,
    StuckRow,
    all_stuck,
    forgettable,
    stuck_order,
    stuck_page,
    undiagnosed,
)
from orders.queries.stuck.totals import Totals, View, stuck_counts, stuck_totals

__all__ = [
    "StuckFilter",
    "StuckPage",
    "StuckRow",
    "Totals",
    "View",
    "all_stuck",
    "forgettable",
    "limits_in_force",
    "stuck_counts",
    "stuck_order",
    "stuck_page",
    "stuck_totals",
    "undiagnosed",
]
