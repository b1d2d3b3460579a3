"""Letting a saga go on while its operator waits for the result."""

import time
from typing import Final

from orders.leases import claim_one, renew
from orders.models import OperatorAction, Order, Saga
from orders.services import declared

OTHERS: Final = 5.0  # seconds for another worker's step, longer than most calls
LOOK_EVERY: Final = 0.1


def carry_on(action: OperatorAction, saga: Saga, *, waves: int = 3) -> Order:
    """Let a saga that is due go on in the operator's own time; the order as it is then.

    Another worker, whom the same wish has rung for, may have it: what it does is waited for, so that the result is
    not read a moment too soon. Stops when the saga itself waits: whoever looks next goes on.
    """
    state, until = Saga.objects.get(pk=saga.pk).state, time.monotonic() + OTHERS
    while waves and Saga.objects.get(pk=saga.pk).state == state:
        renew(action)
        mine = claim_one(saga)
        if mine is None and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
            continue
        if mine is None or mine.due_at is None:
            break
        waves -= 1
        declared.work(mine)
    return Order.objects.get(pk=saga.order_id)
