"""What operators asked for: one row an order and action, from intent to verified result."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.order import Order
from orders.models.stateful import Leased

BY_HAND = models.Q(plan="")


class OperatorAction(Leased):
    """One operator's action on one order.

    `expected_version` is what the operator saw; a row that moved on since is refused, not acted
    on. `outcome` is what a later read showed, not what was sent. `plan` is the code of the plan whose
    run asked for it; '' when a person did, on the order's own page: minutes afterwards it is looked at
    once more (`looked_at`), and `later` says whether it came back or came right after all. One that was only
    accepted is looked at until it has ended, and `later` says how. What became of a plan's is on its row.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "awaiting_approval"
        QUEUED = "queued"
        RUNNING = "running"
        FIXED = "fixed"
        ACCEPTED = "accepted"
        NOT_FIXED = "not_fixed"
        REFUSED = "refused"
        UNKNOWN = "unknown"

    class Later(models.TextChoices):
        CAME_BACK = "came_back"
        CAME_RIGHT = "came_right"
        DONE = "done"
        NOT_DONE = "not_done"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="actions")
    name = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    reason = models.CharField(max_length=400)
    actor = models.CharField(max_length=80)
    approver = models.CharField(max_length=80, blank=True)
    approve_by = models.DateTimeField(null=True, blank=True)
    expected_state = models.CharField(max_length=24)
    expected_version = models.IntegerField()
    key = models.CharField(max_length=64, unique=True)
    plan = models.CharField(max_length=16, default="", db_default="", blank=True)
    status = models.CharField(max_length=20, choices=Status.choices)
    outcome = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    later = models.CharField(max_length=12, choices=Later.choices, default="", db_default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(approver="") | ~models.Q(approver=models.F("actor")),
                name="action_maker_is_not_checker",
            ),
        )
        indexes = (
            models.Index(
                fields=["due_at"],
                name="action_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["order", "-id"], name="action_of_order"),
            models.Index(fields=["actor", "created_at"], name="action_by_hand", condition=BY_HAND),
            models.Index(fields=["name", "created_at"], name="action_turn", condition=BY_HAND),
            models.Index(
                fields=["finished_at"],
                name="action_to_look_at",
                condition=BY_HAND & models.Q(looked_at=None, status__in=("fixed", "not_fixed")),
            ),
            models.Index(
                fields=["finished_at"],
                name="action_to_end",
                condition=BY_HAND & models.Q(status="accepted", later=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} on {self.order_id}: {self.status}"
