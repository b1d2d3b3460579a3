"""Who may do what to a plan: the one table of roles, actions and states (`tests/console/test_plan_rights.py`)."""

from typing import Any

from opsconsole.console.roles import RIGHT_BY_CODENAME, Right
from opsconsole.console.staff import actor_name
from runbooks.models import Plan
from runbooks.registry import Action, Touch, find


def may(user: Any, codename: str) -> bool:
    return bool(user.has_perm(RIGHT_BY_CODENAME[codename].permission))


def right_of(plan: Plan, deed: str) -> Right:
    """The right that a deed on this plan needs. Pausing and stopping are for whoever may stop actions at all;
    letting money go is for those who approve refunds, repairs of the books for those who approve these."""
    action = find(plan.action)
    own = action.right if action else "stop_actions"
    if deed in {"approve", "reject"}:
        return RIGHT_BY_CODENAME[approval_of(action) if action else "approve_plan"]
    named = {"break_glass": "break_glass", "pause": "stop_actions", "cancel": "stop_actions", "review": "approve_plan"}
    return RIGHT_BY_CODENAME[named.get(deed, own)]


def approval_of(action: Action) -> str:
    """The right of a second person for this action."""
    if action.subject == "break":
        return "approve_repair"
    return "approve_refund" if action.touch == Touch.MONEY else "approve_plan"


def may_do(user: Any, plan: Plan, deed: str) -> bool:
    """Its proposer may always pause, stop and take back what is their own."""
    own = plan.proposer == actor_name(user) and deed in ("pause", "cancel", "withdraw")
    return own or may(user, right_of(plan, deed).codename)
