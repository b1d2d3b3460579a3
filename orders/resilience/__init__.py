"""Calls to the outside that end in time and say what they know."""

from orders.resilience.guards import Guard, Ticket, TurnedAway, guard, set_guard
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable, Unknown
from orders.resilience.upstream import call

__all__ = [
    "Answered",
    "Guard",
    "Outcome",
    "Refused",
    "Retryable",
    "Ticket",
    "TurnedAway",
    "Unknown",
    "call",
    "guard",
    "set_guard",
]
