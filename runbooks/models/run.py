"""The run of a plan, what happened to a plan, and what has to be reviewed afterwards."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.stateful import Leased, due_index
from runbooks.models.plan import Plan
from runbooks.states import RunState


class Run(Leased):
    """A started plan, itself a piece of work (`orders.leases`).

    `wave` is the one that is let go now, from 1. `allowance` is how many rows may be let go at once by
    the rate, as of `allowed_at`. `waits_for` names what keeps it from going on although it runs;
    `paused_for` why it is paused, a word of `runbooks.reasons`. `looked_at`: when its rows were looked at
    a second time.
    """

    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="run")
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.RUNNING)
    wave = models.SmallIntegerField(default=1)
    allowance = models.FloatField(default=0)
    allowed_at = models.DateTimeField(default=timezone.now, db_default=Now())
    waits_for = models.CharField(max_length=40, blank=True)
    paused_for = models.CharField(max_length=40, blank=True)
    paused_values = models.JSONField(default=dict)
    started_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(state__in=RunState.values), name="plan_run_state_known"),)
        indexes = (due_index("run_due"),)

    def __str__(self) -> str:
        return f"run of {self.plan_id}: {self.state}"


class PlanEvent(models.Model):
    """One thing that happened to a plan or its run. Never changed, never deleted (a trigger refuses)."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=Now())
    verb = models.CharField(max_length=24)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["plan", "id"], name="plan_event_of_plan"),)

    def __str__(self) -> str:
        return f"{self.verb} of {self.plan_id} by {self.actor}"


class ReviewItem(models.Model):
    """What somebody else has to look at afterwards: a plan that ran without its second person."""

    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="review")
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField(default=timezone.now, db_default=Now())
    closed_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    finding = models.CharField(max_length=400, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(closed_by="") | ~Q(closed_by=F("opened_by")), name="review_by_somebody_else"
            ),
        )
        indexes = (models.Index(fields=["opened_at"], name="review_open", condition=Q(closed_by="")),)

    def __str__(self) -> str:
        return f"review of {self.plan_id}"
