"""Letting a saga go on while its operator waits for the result."""

import time

from orders.leases import OTHERS, claim_in_turn, finish, renew
from orders.models import OperatorAction, Order, Saga
from orders.services import declared


def take(action: OperatorAction, saga: Saga, *, until: float) -> Saga | None:
    """The saga as soon as nobody else has it; None where somebody still has at `until`, or where nothing is due."""
    renew(action)
    mine = claim_in_turn(saga, until=until)
    if mine is not None and mine.due_at is None:
        finish(mine, due_at=None)
        return None
    return mine


def carry_on(action: OperatorAction, saga: Saga, *, waves: int = 3) -> Order:
    """Let a saga that is due go on in the operator's own time; the order as it is then.

    Another worker, whom the same wish has rung for, may have it: what it does is waited for, so that the result is
    not read a moment too soon. Stops when the saga itself waits: whoever looks next goes on.
    """
    state, until = Saga.objects.get(pk=saga.pk).state, time.monotonic() + OTHERS
    for _wave in range(waves):
        mine = take(action, saga, until=until)
        if mine is None:
            break
        if mine.state != state:  # by the other
            finish(mine, due_at=mine.due_at)
            break
        declared.work(mine)
        if Saga.objects.get(pk=saga.pk).state != state:
            break
    return Order.objects.get(pk=saga.order_id)
