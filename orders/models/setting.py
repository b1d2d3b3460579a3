"""Limits that an operator may change."""

from django.db import models

from orders.states import Service


class StuckLimit(models.Model):
    """How long something may stay in a state before it counts as stuck.

    `subject` is a machine's name and `service` is '' for all services; the more specific row
    wins. Defaults live in `orders.policies`; a row here overrides one.
    """

    subject = models.CharField(max_length=10)
    state = models.CharField(max_length=24)
    service = models.CharField(max_length=12, choices=Service.choices, blank=True)
    seconds = models.IntegerField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["subject", "state", "service"], name="limit_once"),
            models.CheckConstraint(condition=models.Q(seconds__gt=0), name="limit_positive"),
        )

    def __str__(self) -> str:
        return f"{self.subject} {self.state} {self.service}: {self.seconds} s"
