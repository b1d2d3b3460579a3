"""What is learnt from an incident, and what is done about it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from runbooks.models.incident import Incident


class Review(models.Model):
    """The post-incident review. `impact` are the numbers as they were counted at `drafted_at`."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="review")
    drafted_at = models.DateTimeField(default=timezone.now, db_default=Now())
    drafted_by = models.CharField(max_length=80)
    impact = models.JSONField(default=dict)
    summary = models.TextField(blank=True)
    cause = models.TextField(blank=True)
    went_well = models.TextField(blank=True)
    went_badly = models.TextField(blank=True)
    version = models.IntegerField(default=1, db_default=1)
    changed_by = models.CharField(max_length=80, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"review of {self.incident_id}"


class ActionItem(models.Model):
    """What somebody has to do by a day, so that it does not happen again. An override of a rule is one, too."""

    class Kind(models.TextChoices):
        DETECT = "detect"
        PREVENT = "prevent"
        CORRECT = "correct"
        OVERRIDE = "override"

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        DROPPED = "dropped"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.CharField(max_length=400)
    owner = models.CharField(max_length=80)
    due_on = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    said = models.CharField(max_length=400, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(state="open") | ~Q(said=""), name="item_ends_with_a_word"),)
        indexes = (models.Index(fields=["due_on"], name="item_open", condition=Q(state="open")),)

    def __str__(self) -> str:
        return self.text
