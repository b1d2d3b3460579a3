"""Rows of reconciliation. No verbs here: see `reconciliation.services`."""

from reconciliation.models.cases import Case
from reconciliation.models.days import CarriedLine, Day, DayEvent, DayFigure, DayItem
from reconciliation.models.entries import Entry
from reconciliation.models.feeds import Feed, LayoutVersion, Load, LoadEvent, QuarantinedRow
from reconciliation.models.mailings import ReportMail, ReportSchedule, ReportSending
from reconciliation.models.reports import ReportFile
from reconciliation.models.results import BookEvent, Break, BreakEvent, BreakTotal, Expectation, HandLink, Match
from reconciliation.models.runs import Rules, Run, RunSchedule, RunTotal

__all__ = [
    "BookEvent",
    "Break",
    "BreakEvent",
    "BreakTotal",
    "CarriedLine",
    "Case",
    "Day",
    "DayEvent",
    "DayFigure",
    "DayItem",
    "Entry",
    "Expectation",
    "Feed",
    "HandLink",
    "LayoutVersion",
    "Load",
    "LoadEvent",
    "Match",
    "QuarantinedRow",
    "ReportFile",
    "ReportMail",
    "ReportSchedule",
    "ReportSending",
    "Rules",
    "Run",
    "RunSchedule",
    "RunTotal",
]
