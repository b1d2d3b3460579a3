"""How long the booking of an order waits after its payment, by payment method."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.conf import settings

from orders.models import DispatchHold

# They take money back, usually one to five minutes after the payment (Midtrans, transaction status cycle:
# Permata VA, Indomaret). settings.DISPATCH_HOLD says how long.
REVERSAL_PRONE: Final = ("va_permata", "cstore")


def default_hold(method: str) -> timedelta:
    hold: timedelta = settings.DISPATCH_HOLD
    return hold if method in REVERSAL_PRONE else timedelta(0)


def holds_in_force() -> Mapping[str, timedelta]:
    """By method, those that wait at all. One query of a handful of rows."""
    own = {row.method: timedelta(seconds=row.seconds) for row in DispatchHold.objects.all()}
    return {**{method: default_hold(method) for method in REVERSAL_PRONE}, **own}
