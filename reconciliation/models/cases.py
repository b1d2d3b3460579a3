"""Breaks with one cause, as one line."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from reconciliation.states import BreakType, Pairing


class Case(models.Model):
    """Breaks that have one thing in common: `signature` says what, and names the case for good.

    `count`, `money` and the times are of its open breaks as of the last run, less what was decided since; a
    case without any is over and keeps its row, so that it comes back with its owner when the cause does.
    """

    pairing = models.CharField(max_length=8, choices=Pairing.choices)
    type = models.CharField(max_length=24, choices=BreakType.choices)
    signature = models.CharField(max_length=200, unique=True, db_collation="C")
    traits = models.JSONField(default=dict)
    currency = models.CharField(max_length=3)
    count = models.IntegerField(default=0)
    money = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True)
    incident = models.CharField(max_length=40, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    found_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = (models.Index(fields=["-money", "-id"], name="case_open_money", condition=models.Q(is_open=True)),)

    def __str__(self) -> str:
        return self.signature
