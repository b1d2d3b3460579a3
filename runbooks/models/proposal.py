"""Spreadsheets of breaks that were loaded back, and the rows of them that became no proposal."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class ProposalFile(models.Model):
    """One file as it was loaded. `file` is its name among the kept files, `plans` are the codes of what became of its
    rows; `unnamed` rows named no repair, `refused` ones are its `refusals`."""

    name = models.CharField(max_length=120)
    file = models.CharField(max_length=80)
    actor = models.CharField(max_length=80)
    plans = models.JSONField(default=list)
    proposed = models.IntegerField(default=0)
    unnamed = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    loaded_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} of {self.actor}"


class RefusedRow(models.Model):
    """A row that became no proposal: its number in the file, what it says, and why (a code of `runbooks.reasons`)."""

    of = models.ForeignKey(ProposalFile, on_delete=models.PROTECT, related_name="refusals")
    number = models.IntegerField()
    name = models.CharField(max_length=80)
    why = models.CharField(max_length=40)
    why_values = models.JSONField(default=dict)
    said = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["of", "number"], name="refused_row_once"),)

    def __str__(self) -> str:
        return f"row {self.number}: {self.why}"
