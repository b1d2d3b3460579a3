"""Orders and their items."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.stateful import Stateful
from orders.states import (
    OPEN_ORDER_STATES,
    ORDER,
    Channel,
    Machine,
    OrderState,
    Service,
)


class Order(Stateful):
    """One customer order. `amount` is in minor units of `currency` (IDR has no decimals)."""

    machine: ClassVar[Machine] = ORDER

    class Origin(models.TextChoices):
        PLATFORM = "platform"
        IMPORT = "import"

    public_id = models.CharField(max_length=64, unique=True)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.PLATFORM)
    channel = models.CharField(max_length=12, choices=Channel.choices, default=Channel.APP)
    service = models.CharField(max_length=12, choices=Service.choices)
    city = models.CharField(max_length=40, blank=True)
    customer_id = models.CharField(max_length=64, blank=True)
    customer_name = models.CharField(max_length=120, blank=True)
    customer_phone = models.CharField(max_length=32, blank=True)
    customer_email = models.CharField(max_length=254, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="IDR")
    method = models.CharField(max_length=24, blank=True)
    promo_code = models.CharField(max_length=40, blank=True)
    notes = models.JSONField(default=dict, blank=True)
    placed_at = models.DateTimeField(default=timezone.now, db_default=Now())
    promised_by = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    held_until = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)
    owning_attempt = models.ForeignKey(
        "orders.Attempt",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="order_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(state__in=OrderState.values),
                name="order_state_known",
            ),
        )
        indexes = (
            # The stuck list: open orders by state and age; final ones take no room in it. What its totals
            # and filters read comes along, so that they need not visit a page of the table for each order.
            models.Index(
                fields=["state", "entered_at", "id"],
                include=[
                    *("amount", "currency", "service", "city", "channel", "method"),
                    *("owner", "held_until", "owning_attempt"),
                ],
                name="order_open_age",
                condition=models.Q(state__in=OPEN_ORDER_STATES),
            ),
            models.Index(fields=["placed_at", "id"], name="order_placed"),
            models.Index(fields=["customer_id", "placed_at"], name="order_customer"),
            models.Index(fields=["customer_phone"], name="order_phone"),
            models.Index(fields=["customer_email"], name="order_email"),
            # The payment-link desk: who cannot pay yet, oldest first, with all that its counts are made of.
            models.Index(
                fields=["placed_at", "id"],
                include=["state", "service", "city", "method", "amount", "currency"],
                name="order_unpaid",
                condition=models.Q(state__in=(OrderState.CREATED, OrderState.AWAITING_PAYMENT), origin="platform"),
            ),
            models.Index(
                fields=["expires_at"],
                name="order_expiry",
                condition=models.Q(state__in=(OrderState.CREATED, OrderState.AWAITING_PAYMENT)),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class Item(models.Model):
    """One thing the order is for: a ride, a rental, a parcel, a seat."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="items")
    number = models.SmallIntegerField()
    service = models.CharField(max_length=12, choices=Service.choices)
    details = models.JSONField(default=dict)
    amount = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["order", "number"], name="item_number_once"),)

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number} {self.service}"
