"""Limits for a world that runs faster than ours, as rows that an operator could have written.

Partners of the sandbox drive a twenty-minute trip in seconds, so a limit of six hours says nothing
there. What is stuck at once stays so; a row that a person wrote is never touched.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from orders.models import StuckLimit
from orders.policies import AT_ONCE, DEFAULT_LIMITS
from orders.states import OrderState

MARK = "simulation:"
DEMO = f"{MARK}demo"
# Once a run has settled, nothing moves any more without a person: any age is too old.
SETTLED = timedelta(seconds=10)
# Customers of the demo pay or cancel within a minute.
PAYING = timedelta(minutes=5)
TRAVELLING = timedelta(minutes=3)
WORKING = timedelta(minutes=2)
_DEMO: Mapping[str, timedelta] = MappingProxyType(
    {OrderState.AWAITING_PAYMENT: PAYING, OrderState.ACTIVE: TRAVELLING, OrderState.QUEUED_FOR_DISPATCH: TRAVELLING}
)


def shorten(longest: timedelta, *, by: str) -> int:
    """No limit longer than `longest`. How many rows were written."""
    return _write({key: min(limit, longest) for key, limit in DEFAULT_LIMITS.items()}, by=by)


def shorten_for_demo() -> int:
    return _write({key: min(limit, _demo_limit(key)) for key, limit in DEFAULT_LIMITS.items()}, by=DEMO)


def _demo_limit(key: tuple[str, str, str]) -> timedelta:
    machine, state, _service = key
    return _DEMO.get(state, WORKING) if machine == "order" else WORKING


def _write(wanted: Mapping[tuple[str, str, str], timedelta], *, by: str) -> int:
    forget()
    theirs = set(StuckLimit.objects.values_list("subject", "state", "service"))
    rows = [
        StuckLimit(subject=subject, state=state, service=service, seconds=round(limit.total_seconds()), changed_by=by)
        for (subject, state, service), limit in wanted.items()
        if limit > AT_ONCE and limit != DEFAULT_LIMITS[subject, state, service]
        if (subject, state, service) not in theirs
    ]
    return len(StuckLimit.objects.bulk_create(rows))


def forget() -> int:
    """Back to the defaults, a person's own rows aside."""
    return StuckLimit.objects.filter(changed_by__startswith=MARK).delete()[0]
