"""How long a booking waits after a payment that may still be taken back."""

from django.db import models


class DispatchHold(models.Model):
    """An operator's own length for one payment method, in seconds; 0 for none. Without a row the default
    of `orders.policies` holds."""

    method = models.CharField(max_length=24, primary_key=True)
    seconds = models.IntegerField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(seconds__gte=0), name="hold_not_negative"),)

    def __str__(self) -> str:
        return f"{self.method}: {self.seconds} s"
