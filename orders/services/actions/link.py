"""Sending a payment link to the customer, by the way an operator chose."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from orders.clients import notification
from orders.clients.notification import Report
from orders.leases import renew
from orders.models import Attempt, OperatorAction, Order
from orders.resilience import Answered, Outcome
from orders.services.actions.verb import Result
from orders.services.notices import link_text
from orders.states import AttemptState

TEMPLATE: Final = "payment_link"
ADDRESS: Final[Mapping[str, str]] = {"whatsapp": "customer_phone", "sms": "customer_phone", "email": "customer_email"}
# The same words by another way, where the first is away (domain, section 1).
NEXT_WAY: Final[Mapping[str, str]] = {"whatsapp": "sms"}


def open_link(order: Order) -> Attempt | None:
    """The attempt the customer can pay now."""
    return order.attempts.filter(state=AttemptState.OPEN).exclude(link_url="").order_by("-number").first()


def send_not(order: Order, params: Mapping[str, Any]) -> str:
    if open_link(order) is None:
        return _("There is no link that could be paid.")
    way = str(params.get("channel", ""))
    if way and not getattr(order, ADDRESS.get(way, ""), ""):
        return _("The order has no address for it.")
    return ""


def send_link(action: OperatorAction, order: Order) -> Result:
    """Hand it to the Notification Center. The same key is delivered once, so a worker may try again."""
    attempt, way = open_link(order), str(action.params.get("channel", ""))
    if attempt is None or way not in ADDRESS:
        return Result(False, _("There is no link that could be paid."))
    for each in (way, NEXT_WAY.get(way)):
        if each is None:
            break
        renew(action)
        outcome = _send(action, order, attempt, each)
        if isinstance(outcome, Answered):
            return Result(True, f"sent by {each} through {outcome.data.provider}")
    return Result(False, _("The Notification Center did not take it."))


def _send(action: OperatorAction, order: Order, attempt: Attempt, way: str) -> Outcome[Report]:
    return notification.send(
        way,
        to=getattr(order, ADDRESS[way]),
        template=TEMPLATE,
        text=link_text(order, attempt),
        idempotency_key=f"link-{action.pk}-{way}",
    )
