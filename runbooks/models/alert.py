"""What monitoring systems told us, and what it is about."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.stateful import Leased, due_index
from runbooks import detected
from runbooks.incident_states import AlertState, DeliveryState, Severity
from runbooks.models.incident import Incident


class AlertDelivery(Leased):
    """One message of a monitoring system, as it came; judged afterwards. The same bytes again raise
    `deliveries` and are judged once more: a repetition says that the alert still fires."""

    source = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32)
    raw = models.BinaryField()
    headers = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.STORED)
    why = models.CharField(max_length=200, blank=True)
    alerts = models.IntegerField(default=0)
    received_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_received_at = models.DateTimeField(default=timezone.now, db_default=Now())
    deliveries = models.IntegerField(default=1, db_default=1)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["source", "digest"], name="alert_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="alert_delivery_state_known"),
        )
        indexes = (due_index("alert_delivery_due"),)

    def __str__(self) -> str:
        return f"{self.source} {self.received_at}"


class Alert(models.Model):
    """One thing that can go wrong, by the identity its monitoring system gives it: source, receiver and
    fingerprint, never a group's key or a text. `service` is a name of the catalogue, `failure` the class of
    what fails (`runbooks.correlation`)."""

    source = models.CharField(max_length=16)
    receiver = models.CharField(max_length=80, blank=True)
    fingerprint = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    service = models.CharField(max_length=40)
    failure = models.CharField(max_length=16)
    severity = models.SmallIntegerField(choices=Severity.choices)
    labels = models.JSONField(default=dict)
    first_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["source", "receiver", "fingerprint"], name="alert_identity"),)

    def __str__(self) -> str:
        return f"{self.name} {self.service}"


class Episode(models.Model):
    """One time that an alert fired. Three times are kept: when it began (`starts_at`, theirs), when they
    told it (`told_at`, theirs, where they say) and when we heard of it (`heard_at`).

    `joined` says why it belongs to its incident: a code of `runbooks.correlation`, with values.
    """

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="episodes")
    starts_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_heard_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ends_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=AlertState.choices, default=AlertState.FIRING)
    summary = models.CharField(max_length=400, blank=True)
    url = models.CharField(max_length=500, blank=True)
    values = models.JSONField(default=dict)
    incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.PROTECT, related_name="episodes")
    joined = models.CharField(max_length=24, blank=True)
    joined_values = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["alert", "starts_at"], name="alert_episode_once"),
            models.CheckConstraint(condition=Q(state__in=AlertState.values), name="alert_episode_state_known"),
        )
        indexes = (
            models.Index(fields=["incident", "id"], name="episode_of_incident"),
            models.Index(fields=["starts_at"], name="episode_began"),
            models.Index(fields=["-id"], name="episode_firing", condition=Q(state=AlertState.FIRING)),
        )

    def __str__(self) -> str:
        return f"{self.alert_id} since {self.starts_at}: {self.state}"

    @property
    def is_ours(self) -> bool:
        """A detector of ours found it. Reads `alert`."""
        return self.alert.source == detected.OWN

    @property
    def says(self) -> str:
        """Its summary; of a detector of ours in the active language. Reads `alert`."""
        return (self.is_ours and detected.line(self.alert.name, self.values)) or self.summary
