"""Words and tones of plans, runs and rows."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from opsconsole.console.tones import Tone
from orders.messages import TEMPLATES, label
from runbooks.models import Plan, Run
from runbooks.registry import find
from runbooks.states import PlanState, RowState, RunState

PLAN_TONES: Final[Mapping[str, Tone]] = {
    PlanState.PLANNED: Tone.NEUTRAL,
    PlanState.AWAITING_APPROVAL: Tone.ATTENTION,
    PlanState.STARTED: Tone.ACTIVE,
    PlanState.REJECTED: Tone.NEUTRAL,
    PlanState.WITHDRAWN: Tone.NEUTRAL,
    PlanState.EXPIRED: Tone.NEUTRAL,
}
RUN_TONES: Final[Mapping[str, Tone]] = {
    RunState.RUNNING: Tone.ACTIVE,
    RunState.PAUSED: Tone.ATTENTION,
    RunState.CANCELLED: Tone.NEUTRAL,
    RunState.FINISHED: Tone.DONE,
}
ROW_TONES: Final[Mapping[str, Tone]] = {
    RowState.INELIGIBLE: Tone.NEUTRAL,
    RowState.PLANNED: Tone.NEUTRAL,
    RowState.RELEASED: Tone.ACTIVE,
    RowState.FIXED: Tone.DONE,
    RowState.ACCEPTED: Tone.ACTIVE,
    RowState.NOT_FIXED: Tone.FAILED,
    RowState.UNKNOWN: Tone.ATTENTION,
    RowState.SKIPPED: Tone.NEUTRAL,
    RowState.CAME_BACK: Tone.FAILED,
    RowState.NOT_RUN: Tone.NEUTRAL,
}
EVENTS: Final[Mapping[str, Promise]] = {
    "make": _("Plan made"),
    "propose": _("Approval asked for"),
    "start": _("Started"),
    "approve": _("Approved and started"),
    "break_glass": _("Started alone: glass broken"),
    "reject": _("Rejected"),
    "withdraw": _("Taken back"),
    "expire": _("Expired"),
    "pause": _("Paused"),
    "resume": _("Went on"),
    "cancel": _("Stopped for good"),
    "wave": _("Wave ended"),
    "finish": _("Finished"),
    "look_again": _("Looked at a second time"),
}
KINDS: Final[Mapping[str, Promise]] = {
    Plan.Kind.SELECTION: _("what was ticked"),
    Plan.Kind.FILTER: _("all that matched the filter"),
    Plan.Kind.CASE: _("a case"),
    Plan.Kind.STEP: _("a step of a runbook"),
    Plan.Kind.RETRY: _("what an earlier plan did not fix"),
    Plan.Kind.REVERSE: _("undoing an earlier plan"),
    Plan.Kind.FORM: _("the form of the action"),
}
MESSAGES: Final[Mapping[str, Promise]] = {
    "cancelled": _("that the order is cancelled"),
    "refunded": _("that the money goes back"),
}


def message_of(name: str) -> str:
    """What the customer is told, as the end of a sentence; "" for nothing."""
    if name in MESSAGES:
        return str(MESSAGES[name])
    return f"“{label(name)}”" if name in TEMPLATES else ""


def kind_of(plan: Plan) -> str:
    """How its rows were selected, as the beginning of a list."""
    if plan.kind == Plan.Kind.SELECTION and "incident" in plan.source:
        return _t("orders of an incident")
    return str(KINDS[plan.kind])


def label_of(plan: Plan) -> str:
    """The action's name in the reader's language; its reference where nobody registers it any more."""
    action = find(plan.action)
    return str(action.label) if action else plan.action


def run_of(plan: Plan) -> Run | None:
    """Its run, None before it is started."""
    return getattr(plan, "run", None)


def state_of(plan: Plan) -> tuple[str, Tone]:
    """Label and tone of where it stands: its run's once it has one."""
    run = run_of(plan)
    if run is None:
        return str(PlanState(plan.state).label), PLAN_TONES[plan.state]
    return str(RunState(run.state).label), RUN_TONES[run.state]
