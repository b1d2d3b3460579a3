"""Operators' actions on one order: asked for, perhaps approved, done by a worker, verified.

An action carries the version of the order its operator saw. It is refused, not performed, when
the order moved on since. Its outcome is what a read afterwards showed, never "sent".
"""

from orders.services.actions.requests import APPROVAL_TIME, Wish, approve, reject, request, shut_out, withdraw
from orders.services.actions.verbs import VERBS, why_not
from orders.services.actions.worker import work
from orders.services.others import Act, Blocked, in_the_way
from orders.services.price import needs_second_person

__all__ = [
    "APPROVAL_TIME",
    "VERBS",
    "Act",
    "Blocked",
    "Wish",
    "approve",
    "in_the_way",
    "needs_second_person",
    "reject",
    "request",
    "shut_out",
    "why_not",
    "withdraw",
    "work",
]
