"""Channels that take no orders for a while."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.states import Channel


class ChannelPause(models.Model):
    """An operator's word that a channel takes no new orders until then. Ends by itself; no row: it takes them.

    `message` is what customers are told in Indonesian, `message_en` in English; `reason` is for us.
    """

    channel = models.CharField(max_length=12, choices=Channel.choices, primary_key=True)
    until = models.DateTimeField()
    message = models.CharField(max_length=300)
    message_en = models.CharField(max_length=300)
    reason = models.CharField(max_length=400)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.channel} paused until {self.until:%H:%M}"
