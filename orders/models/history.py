"""The memory of every machine: history, chain heads, edges, outbox, heartbeats.

The rows of `History`, `ChainHead` and `Outbox` are written by the triggers in
`orders/sql/history.sql`, never by Python.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class History(models.Model):
    """One thing that happened to an order, chained by an HMAC. Append-only."""

    order_id = models.BigIntegerField()
    seq = models.IntegerField()
    machine = models.CharField(max_length=10)
    subject_id = models.BigIntegerField()
    verb = models.CharField(max_length=24)
    source = models.CharField(max_length=24, blank=True)
    target = models.CharField(max_length=24, blank=True)
    actor = models.CharField(max_length=80)
    reason = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now, db_default=Now())
    mac = models.BinaryField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["order_id", "seq"], name="history_no_gap"),)
        indexes = (models.Index(fields=["recorded_at"], name="history_recorded"),)

    def __str__(self) -> str:
        return f"{self.order_id}#{self.seq} {self.machine} {self.verb}"


class ChainHead(models.Model):
    """Where the chain of an order ends now; its lock keeps `seq` without a gap."""

    order_id = models.BigIntegerField(primary_key=True)
    seq = models.IntegerField()
    mac = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.order_id}#{self.seq}"


class Edge(models.Model):
    """The edges the trigger allows, seeded from `orders.states`. Births have source ''."""

    machine = models.CharField(max_length=10)
    source = models.CharField(max_length=24, blank=True)
    verb = models.CharField(max_length=24)
    target = models.CharField(max_length=24)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["machine", "source", "target", "verb"], name="edge_once"),)

    def __str__(self) -> str:
        return f"{self.machine}: {self.source} -{self.verb}-> {self.target}"


class Outbox(models.Model):
    """One history row that the world outside has not been told of yet."""

    id = models.BigAutoField(primary_key=True)
    history_id = models.BigIntegerField()
    order_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["id"],
                name="outbox_unsent",
                condition=models.Q(published_at__isnull=True),
            ),
            # By age: what the broker lost is looked for here, and what is old enough to forget.
            models.Index(
                fields=["published_at"],
                name="outbox_sent",
                condition=models.Q(published_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"outbox {self.id}"


class Heartbeat(models.Model):
    """The last sign of life of a process, and what it last did."""

    name = models.CharField(max_length=60, primary_key=True)
    pid = models.IntegerField()
    at = models.DateTimeField(default=timezone.now, db_default=Now())
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


class Absence(models.Model):
    """A time in which a process gave no sign of life and came back: what its recovery really took."""

    process = models.CharField(max_length=60)
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["-until"], name="absence_newest"),)

    def __str__(self) -> str:
        return f"{self.process} {self.since}"
