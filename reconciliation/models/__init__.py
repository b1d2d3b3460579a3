"""Rows of reconciliation. No verbs here: see `reconciliation.services`."""

from reconciliation.models.cases import Case
from reconciliation.models.entries import Entry
from reconciliation.models.feeds import Feed, LayoutVersion, Load, LoadEvent, QuarantinedRow
from reconciliation.models.results import Break, BreakEvent, Expectation, Match
from reconciliation.models.runs import Rules, Run, RunTotal

__all__ = [
    "Break",
    "BreakEvent",
    "Case",
    "Entry",
    "Expectation",
    "Feed",
    "LayoutVersion",
    "Load",
    "LoadEvent",
    "Match",
    "QuarantinedRow",
    "Rules",
    "Run",
    "RunTotal",
]
