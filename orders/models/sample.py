"""How much was stuck, minute by minute."""

from django.db import models


class StuckSample(models.Model):
    """What was stuck at one instant, as the list would have said; sums in minor units by currency.

    `recovered` counts the orders that came free since the sample before, `recovered_by_hand` those
    of them that a person had acted on. Derived, and forgotten after a month.
    """

    at = models.DateTimeField(unique=True)
    count = models.IntegerField()
    paid_count = models.IntegerField()
    money = models.JSONField(default=dict)
    paid_money = models.JSONField(default=dict)
    oldest_since = models.DateTimeField(null=True, blank=True)
    recovered = models.IntegerField(default=0)
    recovered_by_hand = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} stuck at {self.at}"
