"""The books themselves: one row per line of money."""

from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Cast

from reconciliation.models.feeds import Load
from reconciliation.states import CountsAs, EntryKind, EntryStatus, Side

# What tells lines of one order, currency and amount apart, as one number. The separator is in no file.
_MICROSECONDS = Func(
    Value("epoch"),
    Func(Value("UTC"), F("occurred_at"), function="timezone", output_field=models.DateTimeField()),
    function="pg_catalog.extract",
    output_field=models.DecimalField(),
)
_MARK = Func(
    Func(
        *(F(name) for name in ("kind", "status", "reference", "external_reference", "source")),
        Cast(_MICROSECONDS, models.TextField()),
        Cast("occurrence", models.TextField()),
        template="%(expressions)s",
        arg_joiner=" || chr(31) || ",
        output_field=models.TextField(),
    ),
    Value(0),
    function="hashtextextended",
    output_field=models.BigIntegerField(),
)

_OWN = Q(kind__in=(EntryKind.FEE, EntryKind.PAYOUT))
_COUNTS_AS = Case(
    When(_OWN & Q(status=EntryStatus.SETTLED), then=Value(int(CountsAs.OWN))),
    When(_OWN, then=Value(int(CountsAs.OWN_UNSETTLED))),
    When(status=EntryStatus.PENDING, then=Value(int(CountsAs.PENDING))),
    When(status=EntryStatus.VOID, then=Value(int(CountsAs.VOID))),
    When(kind=EntryKind.PAYMENT, then=Value(int(CountsAs.PAYMENT))),
    default=Value(int(CountsAs.OTHER)),
)


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
    survive, and the same file again adds nothing. `mark` is a hash of everything else that a line says
    and of its occurrence: with order, currency and amount it names the line. That unique index is also
    the one in whose order Head Office's pairing is merged, and `entry_by_reference` that of the
    gateways'; both are read without the table. See docs/adr/0060 and 0077.
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
    counts_as = models.GeneratedField(expression=_COUNTS_AS, output_field=models.SmallIntegerField(), db_persist=True)
    mark = models.GeneratedField(expression=_MARK, output_field=models.BigIntegerField(), db_persist=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["side", "order_reference", "currency", "amount", "mark"],
                include=["counts_as", "business_date"],
                name="entry_once",
            ),
        )
        indexes = (
            models.Index(
                fields=["side", "reference", "currency"],
                include=["amount", "counts_as", "business_date", "source"],
                name="entry_by_reference",
                condition=models.Q(side__in=(Side.OURS, Side.GATEWAY)),
            ),
            models.Index(
                fields=["batch"], name="entry_of_batch", condition=models.Q(side=Side.GATEWAY) & ~models.Q(batch="")
            ),
            models.Index(fields=["batch"], name="entry_payout", condition=models.Q(kind=EntryKind.PAYOUT)),
            models.Index(
                fields=["side", "business_date", "id"],
                name="entry_by_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.kind} {self.amount} {self.currency}"
