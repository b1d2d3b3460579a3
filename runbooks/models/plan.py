"""The frozen answer to "what would this do?"."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from orders.models import OperatorAction, Order
from runbooks.models.deed import Deed
from runbooks.states import PlanState, Risk, RowState


class Plan(models.Model):
    """One action over frozen rows. Nothing of it changes after it was made but its state and approval.

    `subject` is what its rows are: a name of `runbooks.subjects` (order, break, letter, breaker …).
    `hash` is the SHA-256 over action, input and all rows (`runbooks.digest`); an approval names it.
    `money` is what moves, by currency, in minor units. `source` says what was selected, in `kind` and words.
    `hour_orders`, `hour_money` are what its proposer has started within the hour before it was made.
    """

    class Kind(models.TextChoices):
        SELECTION = "selection"
        FILTER = "filter"
        CASE = "case"
        STEP = "step"
        RETRY = "retry"
        REVERSE = "reverse"
        FORM = "form"

    code = models.CharField(max_length=16, unique=True)
    action = models.CharField(max_length=60)  # name@version
    subject = models.CharField(max_length=16, default="order", db_default="order")
    params = models.JSONField(default=dict)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    source = models.JSONField(default=dict)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    proposer = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    hash = models.CharField(max_length=64)
    eligible = models.IntegerField()
    ineligible = models.IntegerField()
    money = models.JSONField(default=dict)
    risk = models.CharField(max_length=14, choices=Risk.choices)
    state = models.CharField(max_length=18, choices=PlanState.choices, default=PlanState.PLANNED)
    reason = models.CharField(max_length=400, blank=True)
    approver = models.CharField(max_length=80, blank=True)
    approve_by = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    said = models.CharField(max_length=400, blank=True)  # why it was rejected or taken back
    is_glass_broken = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = (
            # The second pair of eyes is a rule of the data, not of a screen.
            models.CheckConstraint(
                condition=Q(approver="") | ~Q(approver=F("proposer")), name="plan_maker_is_not_checker"
            ),
            models.CheckConstraint(condition=Q(state__in=PlanState.values), name="plan_state_known"),
            # Started without a second person only where none was asked for, or with the glass broken.
            models.CheckConstraint(
                condition=~Q(state=PlanState.STARTED, risk=Risk.SECOND_PERSON, approver="", is_glass_broken=False),
                name="plan_second_person_or_glass",
            ),
        )
        indexes = (
            models.Index(fields=["-id"], name="plan_newest"),
            models.Index(fields=["approve_by"], name="plan_waiting", condition=Q(state=PlanState.AWAITING_APPROVAL)),
            models.Index(fields=["created_at"], name="plan_unused", condition=Q(state=PlanState.PLANNED)),
        )

    def __str__(self) -> str:
        return self.code


class PlanRow(models.Model):
    """One subject of a plan: what it was, what is to happen, and what became of it.

    `resource` names it for the machine (`order:17`, `breaker:midtrans`), `public_id` for people. `order` is
    the order it is about; NULL where it is about none. `expected_version` is 0 where a subject has no
    versions. A row is carried out by `action` (an operator's action on the order) or by `deed`.
    `place` numbers the eligible rows from 1 in the order in which they run; NULL for the others.
    `why` and `why_values` say why it is left out or was skipped (`runbooks.reasons`); `said` is what the
    read afterwards showed. `amount` is what moves, in minor units of `currency`. `before` is what undoing
    would have to restore.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="rows")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    resource = models.CharField(max_length=80, db_collation="C")
    public_id = models.CharField(max_length=64)
    place = models.IntegerField(null=True, blank=True)
    expected_state = models.CharField(max_length=24)
    expected_version = models.IntegerField()
    target = models.CharField(max_length=24, blank=True)
    amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    message = models.CharField(max_length=24, blank=True)
    neighbour = models.CharField(max_length=24, blank=True)
    params = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=RowState.choices)
    why = models.CharField(max_length=40, blank=True)
    why_values = models.JSONField(default=dict)
    said = models.CharField(max_length=400, blank=True)
    action = models.OneToOneField(OperatorAction, null=True, blank=True, on_delete=models.PROTECT, related_name="row")
    deed = models.OneToOneField(Deed, null=True, blank=True, on_delete=models.PROTECT, related_name="row")
    released_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["plan", "resource"], name="plan_resource_once"),
            models.UniqueConstraint(fields=["plan", "place"], name="plan_place_once"),
            models.CheckConstraint(condition=Q(state__in=RowState.values), name="plan_row_state_known"),
            models.CheckConstraint(
                condition=Q(state=RowState.INELIGIBLE, place__isnull=True)
                | Q(place__isnull=False) & ~Q(state=RowState.INELIGIBLE),
                name="plan_row_place_if_eligible",
            ),
        )
        indexes = (
            models.Index(fields=["plan", "state", "id"], name="plan_row_by_state"),
            models.Index(fields=["order", "-id"], name="plan_row_of_order"),
            models.Index(fields=["resource", "-id"], name="plan_row_of_resource"),
        )

    def __str__(self) -> str:
        return f"{self.public_id} in {self.plan_id}: {self.state}"

    @property
    def key(self) -> str:
        """What names the subject among those of its kind."""
        return self.resource.partition(":")[2]

    @property
    def lock_key(self) -> str:
        """What is locked while it is worked on: the order, wherever there is one."""
        return f"order:{self.order_id}" if self.order_id else self.resource
