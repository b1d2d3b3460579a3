"""What an incident tells people: pages to those on duty, messages to those who wait."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.stateful import Leased, due_index
from runbooks.incident_states import PageState
from runbooks.models.incident import Incident


class StakeholderMessage(models.Model):
    """What those who wait were told, stored as it was sent, with the numbers it was made of."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="messages")
    template = models.CharField(max_length=24)
    text_en = models.TextField()
    text_id = models.TextField()
    numbers = models.JSONField(default=dict)
    sent_by = models.CharField(max_length=80)
    sent_at = models.DateTimeField(default=timezone.now, db_default=Now())
    next_minutes = models.IntegerField(default=0)  # 0: the last one

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["incident", "-id"], name="message_of_incident"),)

    def __str__(self) -> str:
        return f"{self.template} of {self.incident_id}"


class Page(Leased):
    """One message to one receiver by one channel; no channel waits for another.

    `key` is what the receiver finds a repetition by, or is asked about when nobody answered. `body` is what is
    sent, made when the page was.
    """

    class Channel(models.TextChoices):
        PAGERDUTY = "pagerduty", "PagerDuty"
        SLACK = "slack", "Slack"
        MAIL = "mail", "Email"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="pages")
    message = models.ForeignKey(
        StakeholderMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="pages"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(max_length=16)
    receiver = models.CharField(max_length=160)
    key = models.CharField(max_length=120, unique=True)
    body = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=PageState.choices, default=PageState.QUEUED)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)  # when it was handed over last
    taken_at = models.DateTimeField(null=True, blank=True)
    reference = models.CharField(max_length=120, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(state__in=PageState.values), name="page_state_known"),)
        indexes = (due_index("page_due"), models.Index(fields=["incident", "id"], name="page_of_incident"))

    def __str__(self) -> str:
        return f"{self.purpose} by {self.channel}: {self.state}"
