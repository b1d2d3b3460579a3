"""Carts: the durable copy behind Redis."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Cart(models.Model):
    """A cart for 15 minutes (domain, section 3). `body` is the same JSON Redis holds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    channel = models.CharField(max_length=12)
    body = models.JSONField(default=dict)
    revision = models.IntegerField(default=1)
    expires_at = models.DateTimeField()
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.PROTECT, related_name="carts")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="cart_expiry"),)

    def __str__(self) -> str:
        return str(self.id)
