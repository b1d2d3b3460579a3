"""What a finished try says about the neighbour."""

from enum import StrEnum
from typing import Any

from orders.resilience.outcome import Outcome, Retryable, Unknown


class Verdict(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    OURS = "ours"  # it says nothing: we had no time left, no connection free, no such address


def verdict(outcome: Outcome[Any]) -> Verdict:
    """Whoever answers works, also with a no: a refusal (4xx but for 408 and 429) is a success."""
    if not isinstance(outcome, Unknown | Retryable):
        return Verdict.SUCCESS
    return Verdict.OURS if outcome.ours else Verdict.FAILURE
