"""Whose open breaker makes an action pointless: "" where it does something even while nobody answers.

Cancelling has none: what it owes goes out when they are back. A test holds these to the previews of plans.
"""

from collections.abc import Mapping
from typing import Any

from orders.models import Order
from orders.services import ledger
from orders.services.booking import PARTNER
from orders.services.routing import LIVE


def asked_last(order: Order, params: Mapping[str, Any]) -> str:
    last = order.attempts.order_by("number").last()
    return last.gateway if last else ""


def closes_at(order: Order, params: Mapping[str, Any]) -> str:
    """Where a link that could still be paid has to be closed first, else the gateway that was chosen."""
    last = order.attempts.filter(state__in=LIVE).order_by("number").last()
    return last.gateway if last else str(params.get("gateway") or "")


def paid_through(order: Order, params: Mapping[str, Any]) -> str:
    paid = [each.gateway for each in order.attempts.order_by("number") if ledger.held(each) > 0]
    return paid[-1] if paid else ""


def partner(order: Order, params: Mapping[str, Any]) -> str:
    return PARTNER.get(order.service, "")


def head_office(order: Order, params: Mapping[str, Any]) -> str:
    return "ho"
