"""How long to wait before looking again, per kind of unanswered thing.

Kill Bill's janitor is the model (ops-consoles notes 4.4, rule 12): soon, then ever later, never
never. The last rung repeats: what stays unknown is shown as stuck long before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0

# A request for a link that was never answered.
UNKNOWN_ATTEMPT = (5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
# A link the customer has; the callback usually comes first.
OPEN_ATTEMPT = (2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, HOUR)
# All gateways said no: try the round again.
NEW_LINK = (15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE)
STEP = (2, 5, 10, 20, 40, MINUTE)
UNDO = (2, 10, 30)
REFUND = (5, 30, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)
POSTING = (5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
INBOUND = (2, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
DISPATCH = (5 * MINUTE,)
# A trip that should be over: from its service's limit on (orders.policies).
TRIP = (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR)
# What an operator asked for and a neighbour has not ended yet.
DEED = (2, 5, 15, MINUTE, 5 * MINUTE)
# A message that no provider took: after a whole round of them.
NOTICE = (15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
UNKNOWN_NOTICE = (2, 5, 15, MINUTE, 5 * MINUTE)
# Whether a message that was sent has arrived; after the last look it stays "sent".
DELIVERY = (15, MINUTE, 10 * MINUTE)
# An event that its consumer could not use; after the last rung it is a dead letter.
LETTER = (1, 5, 15, MINUTE)


def quarantine() -> timedelta:
    """An effect may still happen after we stopped waiting for its answer. Only after this long is
    "never heard of it" believed."""
    span: timedelta = settings.QUARANTINE
    return span


def rung(ladder: Sequence[float], tries: int) -> datetime:
    """When to look next after the `tries`-th look (1 is the first)."""
    seconds = ladder[min(max(tries, 1), len(ladder)) - 1]
    return timezone.now() + timedelta(seconds=seconds * settings.LADDER_PACE)
