"""What a plan does to a subject that is no order: one row, from intent to verified result."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models import Order
from orders.models.stateful import Leased, due_index


class Deed(Leased):
    """One row of a plan on a break, a dead letter, a breaker …: for these what `OperatorAction` is for orders.

    `resource` is the row's, `action` is name@version, `key` is made of plan and place and is unique: a row
    released twice is one deed. `acted_at` is set in the transaction of the effect (`runbooks.acting`), so
    that a second worker after a death does not act again. `outcome` is what a read afterwards showed.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FIXED = "fixed"
        ACCEPTED = "accepted"
        NOT_FIXED = "not_fixed"
        REFUSED = "refused"

    resource = models.CharField(max_length=80, db_collation="C")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    reason = models.CharField(max_length=400)
    actor = models.CharField(max_length=80)
    approver = models.CharField(max_length=80, blank=True)
    plan = models.CharField(max_length=16)
    expected_version = models.IntegerField()
    key = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    outcome = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    acted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=models.Q(approver="") | ~models.Q(approver=models.F("actor")),
                name="deed_maker_is_not_checker",
            ),
        )
        indexes = (
            due_index("deed_due"),
            models.Index(fields=["resource", "-id"], name="deed_of_resource"),
            models.Index(fields=["plan"], name="deed_of_plan"),
        )

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}: {self.status}"
