"""Comparing the books: the rules in force, each run, and what every line came to."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.money import EXPONENTS
from reconciliation.states import Outcome, Pairing, RunScope, RunState, Side


class Rules(models.Model):
    """One version of the matching rules; the highest number is in force, older ones are kept.

    A difference is within tolerance when it is at most the larger of `tolerance` (thousandths of a
    major unit, so that 50 is 0.05 BRL and nothing in rupiah; `tolerance_by_currency` overrides it in minor units)
    and `tolerance_percent` (hundredths of a percent of the larger amount). Both bounds are included.
    A payment of an order that is not finished is due at Head Office after `open_order_hours`; what the
    other side's feed has not covered after `patience_days` is missing all the same. `tariffs` are the agreed fees
    and `known` the differences that are let pass, both as `reconciliation.agreements` reads them.
    """

    number = models.IntegerField(unique=True)
    tolerance = models.IntegerField(default=50)
    tolerance_by_currency = models.JSONField(default=dict, blank=True)
    tolerance_percent = models.IntegerField(default=0)
    open_order_hours = models.IntegerField(default=24)
    patience_days = models.IntegerField(default=30)
    tariffs = models.JSONField(default=list, blank=True)
    known = models.JSONField(default=list, blank=True)
    actor = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(tolerance__gte=0, tolerance_percent__gte=0, tolerance_percent__lte=10_000),
                name="rules_tolerance_sane",
            ),
        )

    def __str__(self) -> str:
        return f"rules {self.number}"

    def bands(self) -> dict[str, int]:
        """The absolute tolerance of every currency, in its minor units."""
        bands = {currency: self.tolerance * 10**digits // 1000 for currency, digits in EXPONENTS.items()}
        return {**bands, **self.tolerance_by_currency}


class Run(models.Model):
    """One comparison of the books, or a rehearsal of one (`is_dry`: nothing else was written).

    A run waits for a worker unless it was begun by hand at a terminal (`tries` 0); `started_at` is then when it was
    asked for, and later when work on it began. `trial` holds the fields of rules that are only tried out.

    `up_to_entry` is the last line it saw; the next run of changes begins after it. `digest` covers
    every result by its content, never by a row id: the same books give the same digest in whatever
    order they were loaded. `phases` is [[name, rows, seconds], …] while it goes on.
    """

    scope = models.CharField(max_length=8, choices=RunScope.choices)
    window_from = models.DateField(null=True, blank=True)
    window_to = models.DateField(null=True, blank=True)
    is_dry = models.BooleanField(default=False)
    engine = models.CharField(max_length=16, default="postgresql")
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.RUNNING)
    actor = models.CharField(max_length=80, blank=True)
    tries = models.SmallIntegerField(default=0)
    trial = models.JSONField(default=dict, blank=True)
    rules = models.ForeignKey(Rules, null=True, on_delete=models.PROTECT, related_name="+")
    up_to_entry = models.BigIntegerField(default=0)
    phases = models.JSONField(default=list)
    summary = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    said = models.CharField(max_length=400, blank=True)
    started_at = models.DateTimeField(default=timezone.now, db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(state__in=RunState.values), name="run_state_known"),)
        indexes = (
            models.Index(fields=["-started_at", "-id"], name="run_newest"),
            models.Index(
                fields=["id"], name="run_not_ended", condition=models.Q(state__in=(RunState.WAITING, RunState.RUNNING))
            ),
        )

    def __str__(self) -> str:
        return f"run {self.pk}"


class RunSchedule(models.Model):
    """Runs that begin by the clock. `rule` is one of `reconciliation.schedules`, `weekdays` ISO days such as "12345".

    `next_at` is when the next one begins; `last` the one that began last. `version` counts the changes.
    """

    scope = models.CharField(max_length=8, choices=RunScope.choices, default=RunScope.CHANGES)
    rule = models.CharField(max_length=24)
    weekdays = models.CharField(max_length=7, default="1234567")
    is_active = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    last = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.scope} {self.rule} {self.weekdays}"


class RunTotal(models.Model):
    """How many lines of one side's book came to one outcome by one rule or reason, and their sum.

    The totals of a run add up to the books it read; the run fails where they do not.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="totals")
    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    side = models.CharField(max_length=8, choices=Side.choices)
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    why = models.CharField(max_length=24)
    lines = models.BigIntegerField()
    amount = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "pairing", "side", "currency", "outcome", "why"],
                name="run_total_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.outcome} {self.why}: {self.lines}"
