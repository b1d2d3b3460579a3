"""The breaker all processes share: one script in Redis."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from orders.resilience.breaker.policy import Policy
from orders.resilience.latched import latched

_FILE: Final = Path(__file__).with_name("breaker.lua")


@cache
def _lua() -> str:
    return _FILE.read_text()


def run(verb: str, name: str, policy: Policy, *args: Any) -> Any:
    """One verb of the script on one neighbour; None where there is no Redis, or it does not answer."""
    redis = latched()
    if redis is None:
        return None
    return redis.run(_lua(), keys=keys(name), args=[verb, name, *policy.as_args(), *args])


def keys(name: str) -> Sequence[str]:
    home = f"{settings.REDIS_PREFIX}breaker:{name}"
    return home, f"{home}:window", f"{home}:probes", changes_key(), f"{home}:failed"


def changes_key() -> str:
    """The list of changes that nobody has written down yet."""
    return f"{settings.REDIS_PREFIX}breaker-changes"
