"""Orders whose ledger is anything but one plain payment."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class MoneyWatch(models.Model):
    """An order whose money has to be looked at, entered by a trigger on the ledger (`orders/sql/money.sql`).

    It says where to look and nothing else: what is odd is computed from the ledger each time. Rows of
    orders about which nothing is odd any more are dropped by the ticker.
    """

    order_id = models.BigIntegerField(primary_key=True)
    since = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"money of {self.order_id}"
