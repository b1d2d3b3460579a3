"""Incidents, what happened to them, their clocks, and whom they affect."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.models import Order
from runbooks import detected
from runbooks.incident_states import LIVE, IncidentState, Severity
from runbooks.models.plan import Plan


class Incident(models.Model):
    """Something is wrong, and somebody has to lead until it is not.

    `title` is a person's, or what the first alert said; where that was a detector of ours, `told` keeps its name
    and figures, so that `says` has it in the reader's language.
    `storm` is our own key of what belongs together: service and class of failure; one live incident has it.
    `began_at` is the earliest time known at which it was wrong, `opened_at` when we noticed. An acknowledge
    lapses at `hand_until` unless something was done meanwhile. `update_due_at`: when those who were told are
    to hear more. `proposed_end_at`: since when all its alerts are over, so that somebody may resolve it.
    """

    code = models.CharField(max_length=16, unique=True)
    title = models.CharField(max_length=160)
    told = models.JSONField(default=dict)
    severity = models.SmallIntegerField(choices=Severity.choices)
    state = models.CharField(max_length=14, choices=IncidentState.choices, default=IncidentState.OPEN)
    version = models.IntegerField(default=1, db_default=1)
    service = models.CharField(max_length=40)
    failure = models.CharField(max_length=16)
    storm = models.CharField(max_length=60)
    commander = models.CharField(max_length=80, blank=True)
    opened_by = models.CharField(max_length=80)
    began_at = models.DateTimeField()
    opened_at = models.DateTimeField(default=timezone.now, db_default=Now())
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    hand_until = models.DateTimeField(null=True, blank=True)
    mitigated_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    update_due_at = models.DateTimeField(null=True, blank=True)
    proposed_end_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_known"),
            # Two alerts of one storm that come at once open one incident: the second finds the first.
            models.UniqueConstraint(fields=["storm"], condition=Q(state__in=LIVE), name="incident_one_live_storm"),
        )
        indexes = (
            models.Index(fields=["-id"], name="incident_newest"),
            models.Index(fields=["severity", "-id"], name="incident_live", condition=Q(state__in=LIVE)),
            models.Index(fields=["opened_at"], name="incident_opened"),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def says(self) -> str:
        """The title in the active language, where a detector of ours gave it."""
        return detected.line(self.told["name"], self.told["values"]) if self.told else self.title


class IncidentEvent(models.Model):
    """One thing that happened to an incident. Never changed, never deleted (a trigger refuses).

    `kind` is a word of `runbooks.incident_words`, `detail` its values; `text` is what a person wrote.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now, db_default=Now())
    kind = models.CharField(max_length=24)
    actor = models.CharField(max_length=80)
    text = models.CharField(max_length=2000, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["incident", "id"], name="incident_event_of"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.incident_id} by {self.actor}"


class ResponseClock(models.Model):
    """What has to have happened by when. A change of severity ends the clocks that ran (`dropped_at`) and
    starts others; the old ones stay."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="clocks")
    kind = models.CharField(max_length=16)
    severity = models.SmallIntegerField(choices=Severity.choices)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=80, blank=True)
    evidence = models.CharField(max_length=400, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=["incident", "kind"], condition=Q(dropped_at=None), name="incident_clock_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["due_at"],
                name="incident_clock_runs",
                condition=Q(stopped_at=None, breached_at=None, dropped_at=None),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.incident_id} by {self.due_at}"


class CohortOrder(models.Model):
    """An order that an incident affects, as it was when it was pinned. Which of them still hang is asked of the
    stuck list each time. `amount` is in minor units of `currency`."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="cohort")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    machine = models.CharField(max_length=10)
    state = models.CharField(max_length=24)
    since = models.DateTimeField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_paid = models.BooleanField()
    cause = models.CharField(max_length=40, blank=True)
    pinned_at = models.DateTimeField(default=timezone.now, db_default=Now())
    pinned_by = models.CharField(max_length=80)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["incident", "order"], name="cohort_order_once"),)
        indexes = (models.Index(fields=["order"], name="cohort_of_order"),)

    def __str__(self) -> str:
        return f"{self.order_id} in {self.incident_id}"


class CohortSample(models.Model):
    """How many of a cohort still hung at one instant, and the money on them by currency, in minor units."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField(default=timezone.now)
    pinned = models.IntegerField()
    hanging = models.IntegerField()
    money = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["incident", "at"], name="cohort_sample_of"),)

    def __str__(self) -> str:
        return f"{self.hanging} of {self.pinned} at {self.at}"


class IncidentPlan(models.Model):
    """A plan, with its run, that was made for an incident."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="plans")
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="for_incident")
    attached_at = models.DateTimeField(default=timezone.now, db_default=Now())
    attached_by = models.CharField(max_length=80)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.plan_id} for {self.incident_id}"
