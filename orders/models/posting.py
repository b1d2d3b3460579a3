"""What Head Office has to be told."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from orders.models.order import Order
from orders.models.payment import Refund
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import POSTING, Machine, PostingState


class Posting(Stateful, Leased):
    """One entry for Head Office's books; `reference` is the key HO finds duplicates by.

    Where Head Office has reversed it and booked others instead, `booked_as` are their references and `ho_reference`
    the first one's id; otherwise it is empty.
    """

    machine: ClassVar[Machine] = POSTING

    class Kind(models.TextChoices):
        PAYMENT = "payment"
        REFUND = "refund"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="postings")
    refund = models.ForeignKey(Refund, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reference = models.CharField(max_length=64, unique=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()
    ho_reference = models.CharField(max_length=80, blank=True)
    booked_as = ArrayField(models.CharField(max_length=160), default=list, db_default=[], blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=PostingState.values),
                name="posting_state_known",
            ),
        )
        indexes = (
            due_index("posting_due"),
            models.Index(
                fields=["entered_at", "id"],
                name="posting_open_age",
                condition=~models.Q(state=PostingState.RECORDED),
            ),
            # People search by what Head Office calls it.
            models.Index(
                fields=["ho_reference"],
                name="posting_ho_reference",
                condition=~models.Q(ho_reference=""),
            ),
        )

    def __str__(self) -> str:
        return self.reference
