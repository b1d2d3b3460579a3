"""The run of a runbook: what somebody goes through step by step. A plan's run is another thing (`Run`)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from runbooks.models.plan import Plan
from runbooks.states import GuideState, StepState


class Guide(models.Model):
    """A runbook that somebody began. `text` is its file as it was then, `hash` the SHA-256 of it: an edit of the
    file does not disturb a run. `params` are what was chosen at the beginning. `incident_id`: the incident it is
    part of; NULL for none.
    """

    code = models.CharField(max_length=16, unique=True)
    runbook = models.CharField(max_length=48)
    text = models.TextField()
    hash = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=GuideState.choices, default=GuideState.OPEN)
    incident_id = models.BigIntegerField(null=True, blank=True)
    started_by = models.CharField(max_length=80)
    started_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(state__in=GuideState.values), name="guide_state_known"),)
        indexes = (
            models.Index(fields=["-id"], name="guide_open", condition=Q(state=GuideState.OPEN)),
            models.Index(fields=["runbook", "-id"], name="guide_of_runbook"),
            models.Index(fields=["incident_id"], name="guide_of_incident", condition=Q(incident_id__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.code} of {self.runbook}"


class GuideStep(models.Model):
    """One step of a run that somebody has come to. `note` is what they said, pasted or sent; `figures` what was
    known when it ended; `plan` what an `act` planned; `choice` the way a `decide` took.
    """

    guide = models.ForeignKey(Guide, on_delete=models.PROTECT, related_name="steps")
    step = models.CharField(max_length=48)
    state = models.CharField(max_length=8, choices=StepState.choices, default=StepState.CURRENT)
    note = models.TextField(blank=True)
    figures = models.JSONField(default=list)
    choice = models.CharField(max_length=48, blank=True)
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=80, blank=True)
    began_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["guide", "step"], name="guide_step_once"),
            # One step is open at a time, whatever two people click.
            models.UniqueConstraint(fields=["guide"], condition=Q(state=StepState.CURRENT), name="guide_one_current"),
        )

    def __str__(self) -> str:
        return f"{self.step} of {self.guide_id}: {self.state}"


class GuideEvent(models.Model):
    """One thing that somebody did in a run. Never changed, never deleted (a trigger refuses)."""

    guide = models.ForeignKey(Guide, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=Now())
    verb = models.CharField(max_length=16)
    step = models.CharField(max_length=48, blank=True)
    actor = models.CharField(max_length=80)
    note = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["guide", "id"], name="guide_event_of_guide"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.step} of {self.guide_id} by {self.actor}"
