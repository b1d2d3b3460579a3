"""What runs and single actions ask of a neighbour's breaker before they send work there."""

from enum import Enum

from orders.resilience import breaker
from orders.resilience.breaker import State


class Door(Enum):
    """How a neighbour's breaker lets work through."""

    OPEN = "open"  # the breaker is closed: everything passes
    AJAR = "ajar"  # it probes: one at a time
    SHUT = "shut"  # the breaker is open: nothing passes


def door_of(neighbour: str) -> Door:
    """`neighbour` is a name of settings.UPSTREAMS, or "" for none; one without a breaker is open."""
    if breaker.policy_of(neighbour) is None:
        return Door.OPEN
    found = breaker.state_of(neighbour)
    if found.is_open:
        return Door.SHUT
    return Door.AJAR if found.state == State.HALF_OPEN else Door.OPEN
