"""Why an order hangs, as of the last look."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.order import Order


class Diagnosis(models.Model):
    """The cause found by `orders.diagnosis` for a stuck order, for lists and grouping.

    `order_version` and `computed_at` say how fresh it is; it is derived and may be thrown away.
    """

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="diagnosis")
    cause = models.CharField(max_length=40)
    confidence = models.SmallIntegerField()
    next_step = models.CharField(max_length=40)
    evidence = models.JSONField(default=list)
    order_version = models.IntegerField()
    computed_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = (models.Index(fields=["cause"], name="diagnosis_cause"),)

    def __str__(self) -> str:
        return f"{self.order_id}: {self.cause}"
