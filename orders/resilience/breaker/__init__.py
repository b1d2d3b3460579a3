"""One breaker per neighbour, shared by all processes (ADR 0030)."""

from orders.resilience.breaker.policy import Policy, policy_of
from orders.resilience.breaker.reading import BreakerState, State, names, state_of, states, wait_for
from orders.resilience.breaker.work import working_on

__all__ = ["BreakerState", "Policy", "State", "names", "policy_of", "state_of", "states", "wait_for", "working_on"]
