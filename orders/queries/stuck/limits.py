"""The limits in force: defaults of `orders.policies`, and what operators changed."""

from orders.models import StuckLimit
from orders.policies import Limits, overridden


def limits_in_force() -> Limits:
    """One small query; pass the answer on where several questions are asked at once."""
    return overridden(StuckLimit.objects.all())
