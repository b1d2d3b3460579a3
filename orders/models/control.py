"""What stops operators' actions: switches, and locks on what somebody is working on."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

EVERY_ACTION = "*"


class ActionSwitch(models.Model):
    """Whether an action may be done at all; `name` is EVERY_ACTION for the switch over all of them.

    Read before every row of every run and every single action. No row: it may.
    """

    name = models.CharField(max_length=40, unique=True)
    is_stopped = models.BooleanField()
    reason = models.CharField(max_length=400)
    changed_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {'stopped' if self.is_stopped else 'allowed'}"


class ResourceLock(models.Model):
    """Who works on one resource (`order:17`), whatever the action: one holder, until it lets go.

    `holder` is the code of a plan whose run holds it, over pauses and waits too.
    """

    key = models.CharField(max_length=80, primary_key=True)
    holder = models.CharField(max_length=16)
    taken_by = models.CharField(max_length=80)
    taken_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["holder"], name="lock_by_holder"),)

    def __str__(self) -> str:
        return f"{self.key} held by {self.holder}"
