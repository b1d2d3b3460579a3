"""Orders that nobody paid: expired only when no attempt of theirs can be paid any more."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from orders.bells import ring
from orders.models import Attempt, Order
from orders.services.links import PAYABLE
from orders.services.routing import LIVE
from orders.states import OrderVerb
from orders.transitions import lock, move

BATCH = 200


def expire_orders() -> int:
    """Close what is past its window; how many. Each attempt is closed at its gateway first."""
    late = Order.objects.filter(state__in=PAYABLE, expires_at__lt=timezone.now())
    live = Attempt.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    _nudge(late.filter(Exists(live)))
    done = 0
    for order in late.filter(~Exists(live)).order_by("expires_at")[:BATCH]:
        done += _expire(order)
    return done


def _nudge(orders: QuerySet[Order]) -> None:
    """Have the janitor look now at attempts nobody was going to look at before long."""
    sleeping = Attempt.objects.filter(
        order__in=orders.order_by("expires_at")[:BATCH],
        state__in=LIVE,
        due_at__gt=timezone.now() + timedelta(minutes=20),
    )
    if sleeping.update(due_at=timezone.now()):
        ring("attempt")


@transaction.atomic
def _expire(order: Order) -> int:
    order = lock(order)
    if order.state not in PAYABLE or order.attempts.filter(state__in=LIVE).exists():
        return 0
    move(order, OrderVerb.EXPIRE, actor="policy:expiry", reason="not paid in time")
    return 1
