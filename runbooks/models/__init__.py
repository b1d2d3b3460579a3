"""Plans, their rows, their runs, and what happened to them. No verbs here: see `runbooks.services`."""

from runbooks.models.deed import Deed
from runbooks.models.plan import Plan, PlanRow
from runbooks.models.run import PlanEvent, ReviewItem, Run

__all__ = ["Deed", "Plan", "PlanEvent", "PlanRow", "ReviewItem", "Run"]
