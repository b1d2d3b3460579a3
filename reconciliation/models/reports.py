"""Reports as files: asked for, written by a worker, kept for a day; what was mailed for a week."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from reconciliation.states import FileFormat, FileState


class ReportFile(models.Model):
    """One report as a spreadsheet, or as CSV. `rows` grows while it is written; `file` is its name below `REPORTS_DIR`.

    `wanted` is what it was narrowed to, as text. After `expires_at` the file is thrown away and the row stays.
    """

    report = models.CharField(max_length=24)
    wanted = models.JSONField(default=dict)
    format = models.CharField(max_length=4, choices=FileFormat.choices, default=FileFormat.XLSX, db_default="xlsx")
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=FileState.choices, default=FileState.WAITING)
    said = models.CharField(max_length=200, blank=True)
    rows = models.IntegerField(default=0)
    size = models.BigIntegerField(default=0)
    file = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField(default=timezone.now, db_default=Now())
    told_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(state__in=FileState.values), name="file_state_known"),)
        indexes = (
            models.Index(fields=["actor", "-id"], name="report_file_of"),
            models.Index(fields=["id"], name="report_file_waits", condition=models.Q(state=FileState.WAITING)),
            models.Index(fields=["expires_at"], name="report_file_done", condition=models.Q(state=FileState.DONE)),
        )

    def __str__(self) -> str:
        return f"{self.report} {self.pk}"
