"""What the comparison left: matches that took judgement, lines that wait, and breaks.

Lines that stand once in both books with the same amount need no row here: the books themselves say
it, and ten million such rows would only repeat them (docs/adr/0061).
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from reconciliation.models.cases import Case
from reconciliation.models.runs import Run
from reconciliation.states import BreakState, BreakType, BreakVerb, Expecting, LinkState, Pairing, Rule


def _ids() -> "ArrayField[list[int], list[int]]":
    return ArrayField(models.BigIntegerField(), default=list, blank=True)


class Match(models.Model):
    """Lines of both books that belong together by a rule that an auditor may want to see.

    `difference` is theirs less ours, in minor units. `key` is the order, or the reference, that
    they share; matches of one key are replaced whenever a run looks at that key again. `known` names the
    known difference of the rules (`reconciliation.agreements`) that let it pass. `business_date` is the first of our
    lines: look-alikes are of one day, and are looked at again by it.
    """

    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    rule = models.CharField(max_length=16, choices=Rule.choices)
    key = models.CharField(max_length=80, db_collation="C")
    currency = models.CharField(max_length=3)
    ours = _ids()
    theirs = _ids()
    ours_amount = models.BigIntegerField()
    theirs_amount = models.BigIntegerField()
    difference = models.BigIntegerField()
    is_timing = models.BooleanField(default=False)
    known = models.CharField(max_length=16, blank=True, db_default="", default="")
    business_date = models.DateField(null=True, blank=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")

    class Meta:
        indexes = (
            models.Index(fields=["pairing", "key"], name="match_key"),
            # What a run of changes looks at again without knowing its key.
            models.Index(
                fields=["pairing", "rule", "business_date"],
                name="match_of_day",
                condition=models.Q(rule__in=(Rule.LOOK_ALIKE, Rule.BATCH, Rule.BY_HAND)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.rule} {self.key}"


class Expectation(models.Model):
    """A line whose counterpart may still come: not a break. Looked at again by every run."""

    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    key = models.CharField(max_length=80, db_collation="C")
    entry = models.BigIntegerField()
    why = models.CharField(max_length=10, choices=Expecting.choices)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["pairing", "entry"], name="expectation_once"),)
        indexes = (models.Index(fields=["pairing", "key"], name="expectation_key"),)

    def __str__(self) -> str:
        return f"{self.key} {self.amount}"


class Break(models.Model):
    """A difference between two books that somebody has to see through.

    `pairing` and `identity` (order or payment reference, and currency) name it for good: owner,
    notes and history stay over re-runs, also when its type changes. `ours` and `theirs` are the ids
    of its entries; `difference` is theirs less ours in minor units, `exposure` the money at stake.
    `occurred_at` is when the money moved: ageing counts from there. `key` is what its lines share, if
    they share anything; `healed_by` the id of the entry that put it right.
    """

    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    identity = models.CharField(max_length=240, db_collation="C")
    key = models.CharField(max_length=80, db_collation="C", blank=True)
    type = models.CharField(max_length=24, choices=BreakType.choices)
    state = models.CharField(max_length=8, choices=BreakState.choices, default=BreakState.OPEN)
    is_timing = models.BooleanField(default=False)
    order_reference = models.CharField(max_length=64, db_collation="C", blank=True)
    reference = models.CharField(max_length=80, db_collation="C", blank=True)
    source = models.CharField(max_length=24, blank=True)
    gateway = models.CharField(max_length=24, blank=True)
    method = models.CharField(max_length=24, blank=True)
    cause = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3)
    ours_amount = models.BigIntegerField(default=0)
    theirs_amount = models.BigIntegerField(default=0)
    difference = models.BigIntegerField(default=0)
    exposure = models.BigIntegerField(default=0)
    ours = _ids()
    theirs = _ids()
    occurred_at = models.DateTimeField()
    business_date = models.DateField()
    case = models.ForeignKey(
        Case,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="breaks",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    found_by = models.ForeignKey(Run, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    seen_by = models.ForeignKey(Run, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    found_at = models.DateTimeField(default=timezone.now, db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)
    healed_by = models.BigIntegerField(null=True, blank=True)
    resolution = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["pairing", "identity"], name="break_once"),
            models.CheckConstraint(condition=models.Q(state__in=BreakState.values), name="break_state_known"),
        )
        indexes = (
            models.Index(
                fields=["occurred_at", "id"],
                name="break_open",
                condition=models.Q(state=BreakState.OPEN),
            ),
            models.Index(
                fields=["case", "occurred_at", "id"],
                name="break_of_case",
                condition=models.Q(state=BreakState.OPEN),
            ),
            models.Index(fields=["business_date", "pairing"], name="break_of_day"),
            models.Index(fields=["order_reference"], name="break_of_order"),
            models.Index(fields=["found_by"], name="break_found_by"),
            models.Index(
                fields=["type", "occurred_at", "id"], name="break_open_type", condition=models.Q(state=BreakState.OPEN)
            ),
            # In minor units of whatever currency: what is asked for by its amount is large.
            models.Index(
                fields=["exposure"],
                name="break_open_large",
                condition=models.Q(state=BreakState.OPEN, exposure__gte=1_000_000),
            ),
            models.Index(
                fields=["pairing"], name="break_timing", condition=models.Q(state=BreakState.OPEN, is_timing=True)
            ),
            models.Index(
                fields=["owner", "occurred_at", "id"], name="break_owner", condition=models.Q(owner__isnull=False)
            ),
            models.Index(
                fields=["state", "occurred_at", "id"], name="break_closed", condition=~models.Q(state=BreakState.OPEN)
            ),
            models.Index(
                fields=["pairing", "key"],
                name="break_key_not_healed",
                condition=~models.Q(state=BreakState.HEALED),
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.identity}"


class BreakTotal(models.Model):
    """By how much the open breaks of one hour, business day and currency moved; their sums are the totals.

    Written by a trigger on breaks alone, whoever changes them, and folded by runs. Only ever sum it up: one row by
    itself says nothing. `hour` is the hour (UTC) of `occurred_at`; `money` the exposure in minor units.
    """

    hour = models.DateTimeField()
    business_date = models.DateField()
    currency = models.CharField(max_length=3)
    breaks = models.BigIntegerField()
    money = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        indexes = (models.Index(fields=["business_date"], name="break_total_day"),)

    def __str__(self) -> str:
        return f"{self.hour} {self.currency} {self.breaks}"


class BreakEvent(models.Model):
    """One thing that happened to a break, who did it and why. Only ever added."""

    of = models.ForeignKey(Break, on_delete=models.PROTECT, db_constraint=False, related_name="events")
    verb = models.CharField(max_length=8, choices=BreakVerb.choices)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.PROTECT, db_constraint=False, related_name="events"
    )
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return f"{self.verb} {self.of_id}"


class HandLink(models.Model):
    """Lines of both books that a person says belong together. PROPOSED until a second person agrees, where one must.

    While it is LINKED, `match` is the row that the engine reads. `difference` is theirs less ours in minor units.
    Who did what and why stands in `BookEvent` rows of the subject "link:<id>"; `proposer` may not approve.
    """

    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    ours = _ids()
    theirs = _ids()
    currency = models.CharField(max_length=3)
    ours_amount = models.BigIntegerField()
    theirs_amount = models.BigIntegerField()
    difference = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=LinkState.choices)
    proposer = models.CharField(max_length=80)
    reason = models.CharField(max_length=400)
    approver = models.CharField(max_length=80, blank=True)
    match = models.ForeignKey(Match, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField()
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(state__in=LinkState.values), name="link_state_known"),
            models.CheckConstraint(condition=~models.Q(approver=models.F("proposer")), name="link_two_people"),
        )

    def __str__(self) -> str:
        return f"link {self.pk}"


class BookEvent(models.Model):
    """What a person decided about a case, a feed, a schedule, a link or the rules. Only ever added.

    `subject` names it, such as "case:12"; `detail` says what was before and after.
    """

    subject = models.CharField(max_length=40, db_collation="C")
    verb = models.CharField(max_length=16)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = (models.Index(fields=["subject", "id"], name="book_event_subject"),)

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
