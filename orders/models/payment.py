"""Payment attempts, the money ledger and refunds."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.order import Order
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import (
    ATTEMPT,
    REFUND,
    AttemptState,
    LedgerKind,
    Machine,
    RefundState,
)


class Attempt(Stateful, Leased):
    """One try to be paid, at one gateway.

    `reference` is ours and goes to the gateway before it answers, so an unanswered request can
    always be asked about. `due_at` drives the janitor's next inquiry.
    """

    machine: ClassVar[Machine] = ATTEMPT

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    number = models.SmallIntegerField()
    gateway = models.CharField(max_length=16)
    method = models.CharField(max_length=24)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=64, unique=True)
    gateway_reference = models.CharField(max_length=80, blank=True)
    link_url = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=120, blank=True)
    retryable = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["order", "number"], name="attempt_number_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=AttemptState.values),
                name="attempt_state_known",
            ),
        )
        indexes = (
            due_index("attempt_due"),
            models.Index(fields=["gateway_reference"], name="attempt_gateway_reference"),
            # What can still be paid, of few orders; the last one first.
            models.Index(
                fields=["order", "-number"],
                include=["id", "state", "gateway", "expires_at"],
                name="attempt_payable",
                condition=models.Q(
                    state__in=(
                        AttemptState.REQUESTED,
                        AttemptState.UNKNOWN,
                        AttemptState.OPEN,
                        AttemptState.MISMATCH,
                    )
                ),
            ),
        )

    def __str__(self) -> str:
        return self.reference


class LedgerEntry(models.Model):
    """One immutable fact about money, in minor units.

    Charged and adjusted-up are positive; refunded, reversed and adjusted-down are negative, so
    the balance of an order is the plain sum. `source_key` makes a fact that is reported twice
    count once.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="+")
    refund = models.ForeignKey("orders.Refund", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=LedgerKind.choices)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    gateway = models.CharField(max_length=16, blank=True)
    source_key = models.CharField(max_length=120, unique=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="ledger_sign",
                condition=models.Q(kind=LedgerKind.CHARGED, amount__gt=0)
                | models.Q(kind__in=(LedgerKind.REFUNDED, LedgerKind.REVERSED), amount__lt=0)
                | models.Q(kind=LedgerKind.ADJUSTED),
            ),
        )
        indexes = (models.Index(fields=["occurred_at", "id"], name="ledger_occurred"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"


class Refund(Stateful, Leased):
    """Money on its way back. `cause` makes two refunds for one cause impossible.

    `bank_reference` and `transferred_at` are the evidence where a person transferred it by hand: what the bank calls
    that transfer (blanks taken out, in capital letters), and when the money left our account.
    """

    machine: ClassVar[Machine] = REFUND

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    cause = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, blank=True)
    requested_by = models.CharField(max_length=80)
    approved_by = models.CharField(max_length=80, blank=True)
    key = models.CharField(max_length=64, unique=True)
    gateway_reference = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    bank_reference = models.CharField(max_length=64, blank=True, default="", db_default="")
    transferred_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # One transfer proves one refund.
            models.UniqueConstraint(
                fields=["bank_reference"],
                name="refund_one_per_transfer",
                condition=~models.Q(bank_reference=""),
            ),
            models.CheckConstraint(
                condition=models.Q(bank_reference="", transferred_at=None)
                | (~models.Q(bank_reference="") & models.Q(transferred_at__isnull=False)),
                name="refund_transfer_is_whole",
            ),
            models.UniqueConstraint(
                fields=["attempt", "cause"],
                name="refund_once_per_cause",
                condition=~models.Q(state=RefundState.REJECTED),
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_amount_positive"),
            # The second pair of eyes is a rule of the data, not of a screen.
            models.CheckConstraint(
                condition=models.Q(approved_by="")
                | models.Q(approved_by__startswith="policy:")
                | ~models.Q(approved_by=models.F("requested_by")),
                name="refund_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=RefundState.values),
                name="refund_state_known",
            ),
        )
        indexes = (
            due_index("refund_due"),
            models.Index(
                fields=["entered_at", "id"],
                name="refund_open_age",
                condition=~models.Q(state__in=(RefundState.SUCCEEDED, RefundState.REJECTED)),
            ),
        )

    def __str__(self) -> str:
        return self.key
