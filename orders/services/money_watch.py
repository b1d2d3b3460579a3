"""Keeping the list of orders whose money has to be looked at short."""

# ruff: noqa: S608

from datetime import timedelta
from typing import Final

from django.db import connection

from orders.queries.money_queues import SETTLED

# Long enough for a refund that was just booked to be followed by whatever it causes.
SETTLED_FOR: Final = timedelta(minutes=5)


def forget_settled() -> int:
    """The ticker: drops orders about which nothing is odd any more. How many.

    A later entry in the ledger brings an order back: the trigger looks at every one.
    """
    with connection.cursor() as cursor:
        statement = f"DELETE FROM orders_moneywatch w WHERE {SETTLED}"
        cursor.execute(statement, {"age": str(SETTLED_FOR)})
        return int(cursor.rowcount)
