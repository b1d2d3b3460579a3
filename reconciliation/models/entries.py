"""The books themselves: one row per line of money."""

from django.db import models

from reconciliation.models.feeds import Load
from reconciliation.states import EntryKind, EntryStatus, Side


class Entry(models.Model):
    """One line of money in one side's book. Added by `services.entries.take_in`, never changed.

    A book keeps what each file said: a payment that was pending yesterday and is settled today has
    two lines, of which only the settled one is money.

    `amount` is in minor units and carries the sign with which it counts: payments and upward
    adjustments above zero; refunds, reversals, fees and payouts below. `reference` is the name *we*
    gave to the payment (an attempt's reference) where the book knows it, `external_reference` the
    other party's own. `order_reference` is the order's public id. `source` is the gateway, or the HO
    instance. `business_date` follows the rule of `reconciliation.business_day`.

    `occurrence` counts lines that are the same in everything, within one file: real twins both
    survive, and the same file again adds nothing. Its unique index is also the one in whose order
    Head Office's pairing is merged, and `entry_by_reference` that of the gateways'; both are read
    without the table. See docs/adr/0060.
    """

    side = models.CharField(max_length=8, choices=Side.choices, db_collation="C")
    source = models.CharField(max_length=24, db_collation="C", blank=True)
    kind = models.CharField(max_length=10, choices=EntryKind.choices, db_collation="C")
    reference = models.CharField(max_length=80, db_collation="C", blank=True)
    external_reference = models.CharField(max_length=80, db_collation="C", blank=True)
    order_reference = models.CharField(max_length=64, db_collation="C", blank=True)
    batch = models.CharField(max_length=64, db_collation="C", blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3, db_collation="C")
    method = models.CharField(max_length=24, db_collation="C", blank=True)
    occurred_at = models.DateTimeField()
    business_date = models.DateField()
    status = models.CharField(max_length=8, choices=EntryStatus.choices, default=EntryStatus.SETTLED, db_collation="C")
    occurrence = models.IntegerField(default=1)
    # Not checked by PostgreSQL: at a million lines the check of a foreign key costs more than the COPY.
    load = models.ForeignKey(Load, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    line = models.IntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=[
                    *("side", "order_reference", "currency", "kind", "amount"),
                    *("status", "reference", "external_reference", "source", "occurred_at", "occurrence"),
                ],
                include=["id", "business_date"],
                name="entry_once",
            ),
        )
        indexes = (
            models.Index(
                fields=["side", "reference", "currency"],
                include=["id", "kind", "amount", "source", "status", "business_date"],
                name="entry_by_reference",
                condition=models.Q(side__in=(Side.OURS, Side.GATEWAY)),
            ),
            models.Index(
                fields=["side", "business_date", "id"],
                name="entry_by_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.kind} {self.amount} {self.currency}"
