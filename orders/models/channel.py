"""Who may call the API, and what they were answered."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.states import Channel


class ChannelToken(models.Model):
    """A bearer token of one channel. Only the SHA-256 of the secret is kept."""

    channel = models.CharField(max_length=12, choices=Channel.choices)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    revoked_by = models.CharField(max_length=80, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.channel} {self.name}"


class IdempotencyRecord(models.Model):
    """The first answer to a write, kept so that the same write is answered the same.

    `status` is 0 while the first call still runs; `lease_until` frees a record whose process died.
    """

    token = models.ForeignKey(ChannelToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(default=0)
    response = models.JSONField(null=True)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_once"),)
        indexes = (models.Index(fields=["created_at"], name="idempotency_created"),)

    def __str__(self) -> str:
        return self.key


class RateLimit(models.Model):
    """Other figures than the default for one limit of the API (orders.resilience.buckets).

    `scope` is 'all' for everybody together, 'token' for each channel token, 'token:<id>' for one of them.
    """

    endpoint = models.CharField(max_length=24)
    scope = models.CharField(max_length=40)
    rate = models.IntegerField()
    burst = models.IntegerField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["endpoint", "scope"], name="rate_limit_once"),
            models.CheckConstraint(condition=models.Q(rate__gt=0, burst__gte=models.F("rate")), name="rate_limit_sane"),
        )

    def __str__(self) -> str:
        return f"{self.endpoint} {self.scope}: {self.rate}/s, {self.burst} at once"
