"""A saga that needs a person, for the tests of its queue and of its pages."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from orders.models import Saga
from orders.services import ledger
from tests.orders.making import make_attempt, make_order, make_saga, make_step


def hand(
    minutes: float = 10,
    *,
    state: str = "needs_hand",
    cause: str = "undo_refused",
    partner: str = "tpg",
    kind: str = "booking",
    paid: int = 0,
    **order: Any,
) -> Saga:
    """A saga that stopped so many minutes ago at its second step, the first still to be undone."""
    since = timezone.now() - timedelta(minutes=minutes)
    made = make_order("booking", **order)
    if paid:
        ledger.charge(make_attempt(made, "paid"), amount=paid, at=since)
    saga = make_saga(made, state, since=since, kind=kind, cause=cause if state == "needs_hand" else "")
    make_step(saga, "done", partner="rent")
    make_step(saga, "undo_failed" if state == "needs_hand" else "undoing", partner=partner, last_error="409 too late")
    return saga
