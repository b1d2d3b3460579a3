"""One saga of an order, and its part of the order's history."""

from django.db.models import Q

from orders.models import History, OperatorAction, Order, Saga
from orders.queries.order_page import LONGEST, Memory, OrderRows

ACTIONS = ("retry_step", "mark_step_done", "skip_step", "compensate_saga")


def numbered(rows: OrderRows, number: int) -> Saga | None:
    """The order's sagas count from 1 in the order of their births."""
    return rows.sagas[number - 1] if 0 < number <= len(rows.sagas) else None


def saga_memory(order: Order, rows: OrderRows, saga: Saga) -> Memory:
    """What happened to the saga, its steps, their places in the dispatch queue, and what was asked for. One query."""
    steps = [step.pk for step in rows.steps if step.saga_id == saga.pk]
    entries = [entry.pk for entry in rows.dispatches if entry.step_id in steps]
    about = Q(machine="saga", subject_id=saga.pk) | Q(machine="step", subject_id__in=steps)
    asked = Q(
        machine="order", detail__id__in=[action.pk for action in actions_on(rows, saga)], detail__has_key="action"
    )
    mine = about | Q(machine="dispatch", subject_id__in=entries) | asked
    history = list(History.objects.filter(mine, order_id=order.pk).order_by("-seq")[:LONGEST])
    return Memory(history[::-1], [], is_cut=len(history) == LONGEST)


def actions_on(rows: OrderRows, saga: Saga) -> list[OperatorAction]:
    """What people asked for on this saga, oldest first."""
    number = rows.sagas.index(saga) + 1
    return [action for action in rows.actions if action.name in ACTIONS and action.params.get("saga") == number]
