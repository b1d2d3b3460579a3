"""What consumers have taken from the broker, and what they could not use."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.order import Order
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import LETTER, LetterState, Machine


class Subscription(models.Model):
    """A consumer, since when it listens, and up to when it certainly missed nothing."""

    consumer = models.CharField(max_length=24, primary_key=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    checked_until = models.DateTimeField(default=timezone.now, db_default=Now())

    def __str__(self) -> str:
        return self.consumer


class Receipt(models.Model):
    """A consumer took charge of an event: the effect is written with this row, or a dead letter is."""

    consumer = models.CharField(max_length=24)
    event_id = models.CharField(max_length=48)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["consumer", "event_id"], name="receipt_once"),)
        indexes = (models.Index(fields=["at"], name="receipt_at"),)

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"


class DeadLetter(Stateful, Leased):
    """An event that a consumer could not use, with the reason. PostgreSQL is where it is kept, not the broker.

    `raw` is what came and never changes; `body` is what is tried, which a person may have edited.
    """

    machine: ClassVar[Machine] = LETTER

    consumer = models.CharField(max_length=24)
    event_id = models.CharField(max_length=48)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="letters")
    kind = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=80)
    raw = models.BinaryField()
    body = models.TextField()
    first_seen_at = models.DateTimeField(default=timezone.now, db_default=Now())
    last_seen_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["consumer", "event_id"], name="letter_once"),
            models.CheckConstraint(condition=models.Q(state__in=LetterState.values), name="letter_state_known"),
        )
        indexes = (
            due_index("letter_due"),
            models.Index(
                fields=["first_seen_at", "id"],
                name="letter_dead",
                condition=models.Q(state__in=(LetterState.DEAD, LetterState.RETRYING)),
            ),
            models.Index(fields=["first_seen_at", "id"], name="letter_seen"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} for {self.consumer}"

    @property
    def is_edited(self) -> bool:
        return bytes(self.raw) != self.body.encode()
