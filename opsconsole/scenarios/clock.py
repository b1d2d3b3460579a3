"""Making time pass, honestly: the platform's own schedules are brought forward, facts stay as they are.

The platform looks again at what is unanswered after seconds, minutes, hours. A run cannot wait for
hours, so the next look, the deadline of a booking and the end of a payment window are moved to now;
the platform then does what it would have done at that time. When something *happened* (`entered_at`,
`occurred_at`, the history) is never touched.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from orders.ladders import quarantine
from orders.models import Attempt, DispatchEntry, InboundEvent, Order, Posting, Refund, Saga, Step
from orders.services.links import PAYABLE
from orders.services.routing import LIVE
from orders.states import SagaState, StepState

SCHEDULED: tuple[Any, ...] = (Attempt, InboundEvent, Saga, DispatchEntry, Refund, Posting)
# A booking may use its first looks before its five minutes are said to be over: an answer that was
# lost is asked for, and believed to be "no" only after the quarantine.
BOOKING_LOOKS = timedelta(seconds=5)


def due(order_ids: Sequence[int]) -> int:
    """Rows of these orders that wait for a worker now, or that a worker has in hand."""
    now = timezone.now()
    return sum(model._base_manager.filter(order_id__in=order_ids, due_at__lte=now).count() for model in SCHEDULED)


def bring_forward(order_ids: Sequence[int]) -> int:
    """Have everything that waits for a later time looked at now. How many rows."""
    now = timezone.now()
    _end_bookings(order_ids)
    _end_windows(order_ids)
    return sum(
        model._base_manager.filter(order_id__in=order_ids, due_at__gt=now).update(due_at=now) for model in SCHEDULED
    )


def _end_bookings(order_ids: Sequence[int]) -> None:
    now = timezone.now()
    silent = Step.objects.filter(
        saga=OuterRef("pk"),
        state__in=(StepState.SENT, StepState.UNKNOWN),
        sent_at__lt=now - quarantine() - BOOKING_LOOKS,
    )
    running = Saga.objects.filter(order_id__in=order_ids, state=SagaState.RUNNING, deadline_at__gt=now)
    running.filter(Exists(silent)).update(deadline_at=now)


def _end_windows(order_ids: Sequence[int]) -> None:
    """Only of orders that nobody can pay any more; the others are waited for by the platform itself."""
    now = timezone.now()
    payable = Attempt.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    unpaid = Order.objects.filter(pk__in=order_ids, state__in=PAYABLE, expires_at__gt=now)
    unpaid.filter(~Exists(payable)).update(expires_at=now)
