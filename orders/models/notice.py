"""Messages to customers and to staff."""

from typing import ClassVar

from django.db import models

from orders.models.order import Order
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import NOTICE, Machine, NoticeState


class Notice(Stateful, Leased):
    """One message to one person, through whichever provider takes it.

    It holds no address and no text: both are made from the order in the moment of the call. `hop` is the place in the
    route of channels and providers; `facts` are the values of the text that the order itself does not have.
    """

    machine: ClassVar[Machine] = NOTICE

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="notices")
    template = models.CharField(max_length=32)
    language = models.CharField(max_length=2, default="id")
    key = models.CharField(max_length=80, unique=True)
    cause = models.CharField(max_length=48, blank=True)
    subject_id = models.BigIntegerField(default=0)
    facts = models.JSONField(default=dict)
    hop = models.SmallIntegerField(default=0)
    channel = models.CharField(max_length=10, blank=True)
    provider = models.CharField(max_length=16, blank=True)
    provider_reference = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=NoticeState.values), name="notice_state_known"),
        )
        indexes = (due_index("notice_due"),)

    def __str__(self) -> str:
        return f"{self.template} {self.key}"
