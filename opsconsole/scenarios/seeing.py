"""What a run sees of its orders, read from the platform's database, and what its staff does."""

from opsconsole.traffic.journeys import Journey
from orders.models import Attempt, Order
from orders.services import checkout, placing
from orders.services.routing import LIVE
from orders.states import OrderState

STAFF = "user:dewi"


class DatabaseEyes:
    def has_link(self, journey: Journey) -> bool:
        return _order(journey).state == OrderState.AWAITING_PAYMENT

    def is_closed(self, journey: Journey) -> bool:
        """No link of it can be paid any more."""
        return not Attempt.objects.filter(order=_order(journey), state__in=LIVE).exists()

    def is_active(self, journey: Journey) -> bool:
        return _order(journey).state == OrderState.ACTIVE

    def is_booked(self, journey: Journey) -> bool:
        return _order(journey).state in (OrderState.ACTIVE, OrderState.COMPLETED)


def make_link_as_staff(journey: Journey) -> None:
    checkout.ensure_link(_order(journey), actor=STAFF)


def cancel_as_staff(journey: Journey) -> None:
    placing.cancel_order(_order(journey), actor=STAFF, reason="The customer called: the car broke down")


def _order(journey: Journey) -> Order:
    return Order.objects.get(public_id=journey.order_id)
