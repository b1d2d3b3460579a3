"""What every row with a state, and every row with work to do, has in common."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.states import Machine


class Stateful(models.Model):
    """A row of one state machine. Only `orders.transitions` assigns `state`.

    `entered_at` is when the state was entered in the world (WIB clock of the business, stored
    UTC); `version` grows by one with each change of state, written by the trigger.
    """

    machine: ClassVar[Machine]

    state = models.CharField(max_length=24)
    entered_at = models.DateTimeField(default=timezone.now, db_default=Now())
    version = models.IntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        abstract = True

    @property
    def state_label(self) -> str:
        """The state's name in the reader's language."""
        return str(self.machine.states(self.state).label)


class Leased(models.Model):
    """A row that is itself a piece of work for a worker.

    `due_at` says when somebody should next look (NULL: nothing to do). A worker takes the row by
    raising `token` and setting `lease_until`; it may finish only while `token` is still its own,
    so a worker that was presumed dead can do no harm when it comes back.
    """

    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    token = models.BigIntegerField(default=0, db_default=0)
    tries = models.SmallIntegerField(default=0, db_default=0)
    last_error = models.TextField(default="", db_default="", blank=True)

    class Meta:
        abstract = True


def due_index(name: str) -> models.Index:
    """The partial index that finds work: rows with something due, oldest first."""
    return models.Index(fields=["due_at"], name=name, condition=models.Q(due_at__isnull=False))
