"""Letting a saga go on while its operator waits for the result."""

from orders.leases import claim_one, renew
from orders.models import OperatorAction, Order, Saga
from orders.services import declared


def carry_on(action: OperatorAction, saga: Saga, *, waves: int = 3) -> Order:
    """Let a saga that is due go on in the operator's own time; the order as it is then.

    Stops when another worker has it, or when it waits: whoever looks next goes on.
    """
    state = Saga.objects.get(pk=saga.pk).state
    for _wave in range(waves):
        renew(action)
        mine = claim_one(saga)
        if mine is None or mine.due_at is None:
            break
        declared.work(mine)
        if Saga.objects.get(pk=saga.pk).state != state:
            break
    return Order.objects.get(pk=saga.order_id)
