"""Which gateway gets the next attempt.

Gateways are tried by priority among those that offer the method (domain, section 3: Midtrans,
then Xendit, then Nicepay). A further attempt is made only from an attempt that certainly started
nothing: `declined` and retryable, or `not_started`; never from `unknown` (design, section 4).
"""

from collections.abc import Sequence

from orders.clients.codes import OFFERED
from orders.errors import NotAllowed
from orders.models import Attempt
from orders.states import AttemptState

PRIORITY = ("midtrans", "xendit", "nicepay")
LIVE = (AttemptState.REQUESTED, AttemptState.UNKNOWN, AttemptState.OPEN, AttemptState.MISMATCH)


def route(method: str) -> tuple[str, ...]:
    """The gateways that offer `method`, best first. Raises NotAllowed for an unknown method."""
    gateways = tuple(name for name in PRIORITY if method in OFFERED[name])
    if not gateways:
        raise NotAllowed(f"no gateway offers {method}")
    return gateways


def may_fail_over(attempt: Attempt) -> bool:
    """Whether this attempt certainly left nothing payable behind."""
    if attempt.state == AttemptState.NOT_STARTED:
        return True
    return attempt.state == AttemptState.DECLINED and attempt.retryable


def next_gateway(method: str, *, tried: Sequence[str]) -> str:
    """The gateway after the last one tried, round and round by priority."""
    gateways = route(method)
    if not tried or tried[-1] not in gateways:
        return gateways[0]
    return gateways[(gateways.index(tried[-1]) + 1) % len(gateways)]
