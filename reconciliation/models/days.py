"""Business days as they are closed: the bridge of each, what it is made of, and who signed it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from reconciliation.day_states import Book, DayState
from reconciliation.models.runs import Run


class Day(models.Model):
    """One business day (Asia/Jakarta). Moved by `reconciliation.day_transitions` only.

    Its figures are those of `run`, of lines up to `up_to_entry`; while the day is open they are
    computed anew, from the signature on they stay. `digest` is of every line and every figure;
    `lines_digest` of the lines alone, so that they can be held against the books at any time. A line
    that comes after the lock belongs to a later day: see `CarriedLine`.
    """

    date = models.DateField(unique=True)
    state = models.CharField(max_length=12, choices=DayState.choices, default=DayState.OPEN)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    up_to_entry = models.BigIntegerField(default=0)
    lines_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    computed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.CharField(max_length=80, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=400, blank=True)
    locked_by = models.CharField(max_length=80, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.CharField(max_length=80, blank=True)
    asked_for = models.CharField(max_length=400, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=DayState.values), name="day_state_known"),
            models.CheckConstraint(
                condition=models.Q(decided_by="") | ~models.Q(decided_by=models.F("asked_by")),
                name="day_reopened_by_a_second_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.date}"


class DayFigure(models.Model):
    """One step of the bridge of a day at one gateway: `amount` in minor units, as it leads to the next book.

    `gateway` is '' for entries of Head Office that no payment of ours belongs to. `step` is a `Step`, or the
    type of an open break.
    """

    day = models.ForeignKey(Day, on_delete=models.CASCADE, related_name="figures")
    gateway = models.CharField(max_length=24, blank=True)
    currency = models.CharField(max_length=3)
    book = models.CharField(max_length=8, choices=Book.choices)
    step = models.CharField(max_length=24)
    lines = models.IntegerField()
    amount = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["day", "gateway", "currency", "book", "step"], name="day_figure_once"),
        )

    def __str__(self) -> str:
        return f"{self.gateway} {self.book} {self.step} {self.amount}"


class DayItem(models.Model):
    """One thing that a step is made of: a break, a line that waits, or lines that lie on two days.

    `entries` are its lines of this day at this gateway; `amount` what they add to the step; `name` the order
    or payment. `carried_from` is the closed day of which one of its lines came late.
    """

    day = models.ForeignKey(Day, on_delete=models.CASCADE, db_index=False, related_name="items")
    gateway = models.CharField(max_length=24, blank=True)
    currency = models.CharField(max_length=3)
    book = models.CharField(max_length=8, choices=Book.choices)
    step = models.CharField(max_length=24)
    name = models.CharField(max_length=80, blank=True)
    amount = models.BigIntegerField()
    entries = ArrayField(models.BigIntegerField(), default=list)
    found = models.BigIntegerField(null=True, blank=True)  # the break's id
    carried_from = models.DateField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=["day", "book", "step", "id"], name="day_item_of_step"),)

    def __str__(self) -> str:
        return f"{self.step} {self.name} {self.amount}"


class CarriedLine(models.Model):
    """A line of a closed day that came after the lock, and the day to whose books it belongs instead."""

    entry = models.BigIntegerField(primary_key=True)
    from_day = models.DateField()
    to_day = models.DateField()
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = (
            models.Index(fields=["to_day"], name="carried_to"),
            models.Index(fields=["from_day"], name="carried_from"),
        )

    def __str__(self) -> str:
        return f"{self.entry}: {self.from_day} to {self.to_day}"


class DayEvent(models.Model):
    """One thing that happened to a day, who did it and why. Only ever added."""

    day = models.ForeignKey(Day, on_delete=models.PROTECT, related_name="events")
    verb = models.CharField(max_length=12)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.verb} {self.day_id}"
