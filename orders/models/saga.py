"""Sagas, their steps, and the dispatch queue."""

from typing import ClassVar

from django.db import models

from orders.models.order import Item, Order
from orders.models.stateful import Leased, Stateful, due_index
from orders.states import (
    DISPATCH,
    SAGA,
    STEP,
    DispatchState,
    Machine,
    SagaState,
    StepState,
)


class Saga(Stateful, Leased):
    """One run of a declared saga (`kind`) over an order. At most one is live per order."""

    machine: ClassVar[Machine] = SAGA

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="sagas")
    kind = models.CharField(max_length=24)
    deadline_at = models.DateTimeField()
    failure = models.CharField(max_length=200, blank=True)
    # Who had it undone, when a person did; their refund is held to the second-person rule.
    undone_for = models.CharField(max_length=80, blank=True)
    # A HandCause, while a person is needed.
    cause = models.CharField(max_length=24, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["order", "kind"],
                name="saga_one_live",
                condition=models.Q(
                    state__in=(
                        SagaState.RUNNING,
                        SagaState.COMPENSATING,
                        SagaState.NEEDS_HAND,
                    )
                ),
            ),
            models.CheckConstraint(condition=models.Q(state__in=SagaState.values), name="saga_state_known"),
        )
        indexes = (due_index("saga_due"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.order_id}"


_UNDER_WAY = models.Q(state=StepState.DONE, due_at__isnull=False)


class Step(Stateful, Leased):
    """One effect outside, with the key the partner knows it by. Marked `sent` before the call."""

    machine: ClassVar[Machine] = STEP

    saga = models.ForeignKey(Saga, on_delete=models.PROTECT, related_name="steps")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    number = models.SmallIntegerField()
    name = models.CharField(max_length=40)
    partner = models.CharField(max_length=24)
    key = models.CharField(max_length=64, unique=True)
    partner_reference = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["saga", "number"], name="step_number_once"),
            models.CheckConstraint(condition=models.Q(state__in=StepState.values), name="step_state_known"),
        )
        indexes = (
            models.Index(fields=["partner_reference"], name="step_partner_reference"),
            models.Index(fields=["due_at"], name="step_trip_due", condition=_UNDER_WAY),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.key}"


class _Trips(models.Manager["Trip"]):
    def get_queryset(self) -> models.QuerySet["Trip"]:
        return super().get_queryset().filter(_UNDER_WAY)


class Trip(Step):
    """A booked step while its trip is under way: `due_at` is when its partner is asked whether it has ended."""

    objects: ClassVar[models.Manager["Trip"]] = _Trips()

    class Meta:
        proxy = True
        base_manager_name = "objects"


LIVE_DISPATCH = (DispatchState.WAITING, DispatchState.CLAIMED, DispatchState.SENDING)


class DispatchEntry(Stateful, Leased):
    """A taxi booking waiting for the dispatch system, or for a person.

    While it is claimed, `claimed_by` holds it; `touched_at` is when that person last did something
    about it. `vehicle` was assigned by hand; it counts as taken until `freed_at`.
    """

    machine: ClassVar[Machine] = DISPATCH

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="dispatches")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="dispatches")
    city = models.CharField(max_length=40, blank=True)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    touched_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=400, blank=True)
    vehicle = models.CharField(max_length=40, blank=True)
    driver = models.CharField(max_length=80, blank=True)
    driver_phone = models.CharField(max_length=32, blank=True)
    assigned_by = models.CharField(max_length=80, blank=True)
    freed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["step"],
                name="dispatch_one_live",
                condition=~models.Q(
                    state__in=(
                        DispatchState.DISPATCHED,
                        DispatchState.WITHDRAWN,
                        DispatchState.FAILED,
                    )
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=DispatchState.values),
                name="dispatch_state_known",
            ),
            # One car cannot be in two places, whoever assigns it.
            models.UniqueConstraint(
                fields=["vehicle"],
                name="dispatch_vehicle_once",
                condition=~models.Q(vehicle="") & models.Q(freed_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["driver_phone"],
                name="dispatch_driver_once",
                condition=~models.Q(driver_phone="") & models.Q(freed_at__isnull=True),
            ),
        )
        indexes = (
            due_index("dispatch_due"),
            # The queue of people: what is live, oldest first; what has ended takes no room.
            models.Index(
                fields=["created_at", "id"],
                name="dispatch_live_age",
                include=["order", "state", "city", "claimed_by"],
                condition=models.Q(state__in=LIVE_DISPATCH),
            ),
        )

    def __str__(self) -> str:
        return f"dispatch of {self.order_id}"
