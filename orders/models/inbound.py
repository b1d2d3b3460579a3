"""Messages from outside, stored before they are judged."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.order import Order
from orders.models.payment import Attempt
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import INBOUND, InboundState, Machine


class InboundEvent(Stateful, Leased):
    """One message, as it came. The same bytes again raise `deliveries` and re-arm the inquiry.

    The key is the digest of the raw bytes: a forged message has other bytes and therefore cannot
    take the place of the genuine one (notes on reliability, section 0).
    """

    machine: ClassVar[Machine] = INBOUND

    source = models.CharField(max_length=24)
    digest = models.BinaryField(max_length=32)
    raw = models.BinaryField()
    headers = models.JSONField(default=dict)
    reference = models.CharField(max_length=80, blank=True)
    claim = models.CharField(max_length=60, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_received_at = models.DateTimeField(default=timezone.now, db_default=Now())
    deliveries = models.IntegerField(default=1, db_default=1)
    verdict = models.CharField(max_length=300, blank=True)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="inbound")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="inbound")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "digest"], name="inbound_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=InboundState.values),
                name="inbound_state_known",
            ),
        )
        indexes = (
            due_index("inbound_due"),
            models.Index(fields=["reference"], name="inbound_reference"),
            models.Index(fields=["received_at"], name="inbound_received"),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.reference}"
