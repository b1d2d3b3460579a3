"""Holding orders back and releasing them, as actions: one undoes the other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from orders.models import OperatorAction, Order
from orders.services import desk


def hold_not(order: Order, params: Mapping[str, Any]) -> str:
    until = datetime.fromisoformat(str(params["until"])) if params.get("until") else None
    if until is not None and until <= timezone.now():
        return _("The time of the hold is over.")
    return ""


def hold(action: OperatorAction, order: Order) -> tuple[bool, str]:
    """Keep it out of the stuck list until `until`."""
    until = datetime.fromisoformat(str(action.params["until"]))
    reason = str(action.params.get("hold_reason") or action.reason)
    desk.hold(order, until=until, actor=action.actor, reason=reason, by_action=True)
    return True, _("It is on hold.")


def release_not(order: Order, params: Mapping[str, Any]) -> str:
    return "" if order.held_until is not None else _("It is not on hold.")


def release(action: OperatorAction, order: Order) -> tuple[bool, str]:
    """Let it count as stuck again."""
    desk.release(order, actor=action.actor, reason=action.reason, by_action=True)
    return True, _("It is not on hold any more.")
