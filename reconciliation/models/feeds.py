"""Where the books come from: feeds, their loads, and lines that could not be read."""

from datetime import time

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from reconciliation.states import FeedHealth, LoadState, LoadVerb, Side


class Feed(models.Model):
    """One source of one side's book, such as Midtrans' settlement reports or one HO instance.

    `complete_up_to` is the watermark: everything that happened before it has been taken in. A line
    is only called missing where the other side's feed is complete; later ones are expected.
    `cut_off` is a WIB time of day; what happens after it counts as the next business day (00:00:
    the day ends at midnight). `schedule` is a rule of `reconciliation.schedules`; empty: files come by
    hand. `cursor` is the last line read of a book that is read in pages, `read_at` when it last was.
    """

    side = models.CharField(max_length=8, choices=Side.choices)
    source = models.CharField(max_length=24)
    schedule = models.CharField(max_length=64, blank=True)
    cut_off = models.TimeField(default=time(0, 0))
    complete_up_to = models.DateTimeField(null=True, blank=True)
    cursor = models.CharField(max_length=80, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    health = models.CharField(max_length=8, choices=FeedHealth.choices, default=FeedHealth.NEVER)
    said = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["side", "source"], name="feed_once"),
            models.CheckConstraint(condition=models.Q(side__in=Side.values), name="feed_side_known"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.source}"


class Load(models.Model):
    """One taking-in of one file, or of one stretch of pages, into one feed's book.

    Loads are taken in one at a time, so the entries of a load have the ids `first_entry` to
    `last_entry`, both included. `totals` is {currency: [lines, minor units]} of what this load
    added: their sum over all loads is what the book must hold, which every run proves. `control`
    is what the file itself claimed, in the same shape, and `stated` what a person said it must hold.

    `file` is where the file is kept, `mapping` the layout as it was when the file was read: later
    versions change nothing about it. `problems` are why it is held or refused, `notes` what else a
    reader should know, both as of `reconciliation.reading.Problem`. `read` rows were read by `read_at`.
    """

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="loads")
    name = models.CharField(max_length=200)
    layout = models.CharField(max_length=64, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    file = models.CharField(max_length=120, blank=True)
    size = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=b"")
    state = models.CharField(max_length=8, choices=LoadState.choices, default=LoadState.READING)
    reason = models.CharField(max_length=400, blank=True)
    actor = models.CharField(max_length=80, blank=True)
    lines = models.IntegerField(default=0)
    new = models.IntegerField(default=0)
    known = models.IntegerField(default=0)
    quarantined = models.IntegerField(default=0)
    totals = models.JSONField(default=dict)
    control = models.JSONField(default=dict)
    stated = models.JSONField(default=dict, blank=True)
    problems = models.JSONField(default=list, blank=True)
    notes = models.JSONField(default=list, blank=True)
    is_released = models.BooleanField(default=False)
    read = models.IntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    first_entry = models.BigIntegerField(null=True, blank=True)
    last_entry = models.BigIntegerField(null=True, blank=True)
    complete_up_to = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(state__in=LoadState.values), name="load_state_known"),)
        indexes = (
            models.Index(fields=["-started_at", "-id"], name="load_newest"),
            models.Index(fields=["feed", "-id"], name="load_of_feed"),
            models.Index(fields=["digest"], name="load_digest"),
            models.Index(fields=["id"], name="load_reading", condition=models.Q(state=LoadState.READING)),
            models.Index(fields=["-id"], name="load_held", condition=models.Q(state=LoadState.HELD)),
            models.Index(fields=["last_entry"], name="load_last_entry", condition=models.Q(last_entry__isnull=False)),
        )

    def __str__(self) -> str:
        return self.name


class QuarantinedRow(models.Model):
    """A line that could not be read: where it stands, why not, and how it came.

    `part` is the sheet, or the file in an archive. `problem` is the reason as code and facts, `reason`
    its sentence in English.
    """

    load = models.ForeignKey(Load, on_delete=models.CASCADE, related_name="quarantine")
    part = models.CharField(max_length=200, blank=True)
    line = models.IntegerField()
    reason = models.CharField(max_length=300)
    problem = models.JSONField(default=dict)
    raw = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["load", "part", "line"], name="quarantine_line_once"),)

    def __str__(self) -> str:
        return f"{self.load_id}:{self.line}"


class LoadEvent(models.Model):
    """One thing that happened to a load, who did it and why. Only ever added."""

    load = models.ForeignKey(Load, on_delete=models.CASCADE, related_name="events")
    verb = models.CharField(max_length=8, choices=LoadVerb.choices)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.verb} {self.load_id}"


class LayoutVersion(models.Model):
    """One version of a layout that finance saved. PostgreSQL refuses to change or delete one."""

    name = models.CharField(max_length=40)
    number = models.IntegerField()
    data = models.JSONField()
    actor = models.CharField(max_length=80)
    note = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["name", "number"], name="layout_version_once"),)

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"
