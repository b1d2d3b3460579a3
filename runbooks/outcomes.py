"""What became of orders that were held up, as the message that tells their customers.

Judged by what the customer notices: an entry that Head Office lacks is ours to mend and nobody's news.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from orders.models import Order
from orders.queries.stuck.around import stuck_among
from orders.states import CLOSED_ORDER_STATES, OrderState, RefundState
from runbooks.facts import Facts, gather
from runbooks.subjects import numbers

PENDING, REPAIRED, OVER = "trouble_pending", "trouble_repaired", "trouble_over"
REFUNDED, CLOSED = "trouble_refunded", "trouble_closed"
# In the order in which they are shown.
OUTCOMES: Final = (REPAIRED, OVER, REFUNDED, CLOSED, PENDING)
_UNNOTICED: Final = "posting"


def texts_of(keys: Sequence[str]) -> Mapping[str, str]:
    """By order: which message tells what became of it. Read at this moment; one of no order is left out."""
    ids = numbers(keys)
    hanging = {row.order_id for row in stuck_among(ids) if row.machine != _UNNOTICED}
    states = dict(Order.objects.filter(pk__in=ids).values_list("pk", "state"))
    ended = gather(pk for pk, state in states.items() if state in CLOSED_ORDER_STATES and pk not in hanging)
    return {
        str(pk): PENDING if pk in hanging else _ended(ended[pk]) if pk in ended else _alive(state)
        for pk, state in states.items()
    }


def _alive(state: str) -> str:
    if state == OrderState.PAID_AFTER_CLOSE:
        return PENDING
    return OVER if state == OrderState.COMPLETED else REPAIRED


def _ended(facts: Facts) -> str:
    """Money that we still hold without a refund under way is not settled, however closed the order is."""
    if any(refund.state != RefundState.REJECTED for refund in facts.refunds):
        return REFUNDED
    return PENDING if facts.balance > 0 else CLOSED
