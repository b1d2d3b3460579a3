"""What was put into service, and when: the first thing asked when something breaks."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class DeployNote(models.Model):
    """One version of a service that went live at `at`, by its own pipeline or by a person. The same again is one."""

    service = models.CharField(max_length=40)
    version = models.CharField(max_length=80)
    text = models.CharField(max_length=400, blank=True)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    told_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["service", "version", "at"], name="deploy_note_once"),)
        indexes = (models.Index(fields=["-at"], name="deploy_newest"),)

    def __str__(self) -> str:
        return f"{self.service} {self.version}"
