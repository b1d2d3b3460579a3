"""What happened to the breakers, and what operators decided about them."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class BreakerOverride(models.Model):
    """An operator's word about one neighbour's breaker. Ends by itself."""

    class Mode(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    upstream = models.CharField(max_length=24, primary_key=True)
    mode = models.CharField(max_length=8, choices=Mode.choices)
    until = models.DateTimeField()
    reason = models.TextField()
    actor = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.upstream} forced {self.mode}"


class BreakerChange(models.Model):
    """One change of one breaker. Append-only.

    `key` names the change, so that it is written once however often it is told. `process` is set where a process
    decided alone because Redis was away. `until` is when the new state ends.
    """

    key = models.CharField(max_length=120, unique=True)
    upstream = models.CharField(max_length=24)
    source = models.CharField(max_length=16)
    target = models.CharField(max_length=16)
    cause = models.CharField(max_length=16)
    actor = models.CharField(max_length=80, blank=True)
    reason = models.TextField(blank=True)
    calls = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    process = models.IntegerField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["upstream", "-id"], name="breaker_change_of"),
            models.Index(fields=["upstream", "target"], name="breaker_change_to"),
            models.Index(
                fields=["at", "upstream"], name="breaker_opened", condition=models.Q(target__in=("open", "forced_open"))
            ),
        )

    def __str__(self) -> str:
        return f"{self.upstream}: {self.source} -> {self.target}"
