"""The lives of a plan, its run and its rows: states, and one table of edges each. Imports nothing of ours."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PlanState(TextChoices):
    PLANNED = "planned", _("Planned")
    AWAITING_APPROVAL = "awaiting_approval", _("Waits for approval")
    STARTED = "started", _("Started")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Taken back")
    EXPIRED = "expired", _("Expired")


class PlanVerb(StrEnum):
    PROPOSE = "propose"
    START = "start"
    APPROVE = "approve"
    BREAK_GLASS = "break_glass"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


class RunState(TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Stopped for good")
    FINISHED = "finished", _("Finished")


class RunVerb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"


class RowState(TextChoices):
    """What became of one row. Only what a read afterwards showed counts as fixed."""

    INELIGIBLE = "ineligible", _("Left out")
    PLANNED = "planned", _("Not begun")
    RELEASED = "released", _("Under way")
    FIXED = "fixed", _("Fixed")
    ACCEPTED = "accepted", _("Accepted, not yet done")
    NOT_FIXED = "not_fixed", _("Not fixed")
    UNKNOWN = "unknown", _("Nobody knows yet")
    SKIPPED = "skipped", _("Skipped")
    CAME_BACK = "came_back", _("Came back")
    NOT_RUN = "not_run", _("Never begun")


class GuideState(TextChoices):
    """A run of a runbook."""

    OPEN = "open", _("Open")
    FINISHED = "finished", _("Finished")
    ABANDONED = "abandoned", _("Abandoned")


class StepState(TextChoices):
    """A step that a run of a runbook has come to."""

    CURRENT = "current", _("Current")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Skipped")
    PASSED = "passed", _("Not on the way")


class Risk(TextChoices):
    """What a plan asks of people before it runs (style B4)."""

    NONE = "none", _("One click")
    REASON = "reason", _("A reason")
    TYPED = "typed", _("A reason and the typed sum")
    SECOND_PERSON = "second_person", _("A second person")


_P, _V = PlanState, PlanVerb
PLAN_EDGES: Final[Mapping[tuple[str, str], str]] = {
    (_P.PLANNED, _V.START): _P.STARTED,
    (_P.PLANNED, _V.PROPOSE): _P.AWAITING_APPROVAL,
    (_P.PLANNED, _V.BREAK_GLASS): _P.STARTED,
    (_P.PLANNED, _V.WITHDRAW): _P.WITHDRAWN,
    (_P.PLANNED, _V.EXPIRE): _P.EXPIRED,
    (_P.AWAITING_APPROVAL, _V.APPROVE): _P.STARTED,
    (_P.AWAITING_APPROVAL, _V.BREAK_GLASS): _P.STARTED,
    (_P.AWAITING_APPROVAL, _V.REJECT): _P.REJECTED,
    (_P.AWAITING_APPROVAL, _V.WITHDRAW): _P.WITHDRAWN,
    (_P.AWAITING_APPROVAL, _V.EXPIRE): _P.EXPIRED,
}

RUN_EDGES: Final[Mapping[tuple[str, str], str]] = {
    (RunState.RUNNING, RunVerb.PAUSE): RunState.PAUSED,
    (RunState.PAUSED, RunVerb.RESUME): RunState.RUNNING,
    (RunState.RUNNING, RunVerb.CANCEL): RunState.CANCELLED,
    (RunState.PAUSED, RunVerb.CANCEL): RunState.CANCELLED,
    (RunState.RUNNING, RunVerb.FINISH): RunState.FINISHED,
}

# Rows that were acted on, or may have been, and are not what was wanted: what "retry the failed" takes.
FAILED_ROWS: Final = (RowState.NOT_FIXED, RowState.UNKNOWN, RowState.CAME_BACK)
# What a run has nothing more to do for. How an accepted row ends is the neighbour's affair; it is only looked at.
ENDED_ROWS: Final = (RowState.FIXED, RowState.ACCEPTED, RowState.SKIPPED, RowState.NOT_RUN, *FAILED_ROWS)
