"""Which event sends which message to whom, and its words: the one table.

The words are English here and translated like every text; customers get theirs in Indonesian unless their order says
otherwise. What a text may name: `order` (public id), `amount`, `link`, `driver`, `vehicle`, `count`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.events import Event, Kind
from orders.states import CLOSED_ORDER_STATES, OPEN_ORDER_STATES, OrderState

CUSTOMER, STAFF = "customer", "staff"
BY_PHONE: Final = ("whatsapp", "sms", "email")
BY_EMAIL: Final = ("email", "whatsapp", "sms")
IN_APP: Final = ("push", "whatsapp", "sms")
CHANNEL: Final = ("staff",)
_GOING_ON: Final = frozenset(OPEN_ORDER_STATES) - {OrderState.PAID_AFTER_CLOSE}
_CLOSED: Final = frozenset(CLOSED_ORDER_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One message.

    `ways` are channels in the order of preference. `each` sends one for every subject of the event (each link, each
    refund) instead of one in the life of an order. `by_hand`: only when a person did it. `while_in`: the states of the
    order in which it is still true; one that is too late is withdrawn. `free_text` is what is said instead where
    nothing was to be paid. Without `on` no event sends it: an operator does, through a plan.
    """

    on: Kind | None
    label: Promise
    text: Promise
    free_text: Promise | None = None
    ways: tuple[str, ...] = BY_PHONE
    audience: str = CUSTOMER
    each: bool = False
    by_hand: bool = False
    while_in: frozenset[str] | None = None


TEMPLATES: Final[Mapping[str, Template]] = {
    "link_ready": Template(
        on=("attempt", "open"),
        label=_("payment link"),
        text=_("Your order %(order)s for %(amount)s is waiting for payment: %(link)s"),
        each=True,
        while_in=frozenset({OrderState.CREATED, OrderState.AWAITING_PAYMENT}),
    ),
    "paid": Template(
        on=("order", "pay"),
        label=_("payment received"),
        text=_("Thank you: we received %(amount)s for order %(order)s. We are booking it now."),
        free_text=_("Your promo covers order %(order)s: there is nothing to pay. We are booking it now."),
        while_in=_GOING_ON | {OrderState.COMPLETED},
    ),
    "queued": Template(
        on=("order", "queue"),
        label=_("waiting for a driver"),
        text=_("Order %(order)s is paid and is waiting for a driver. It takes longer than usual; we keep trying."),
        while_in=frozenset({OrderState.QUEUED_FOR_DISPATCH, OrderState.BOOKING}),
    ),
    "driver_assigned": Template(
        on=("step", "driver_assigned"),
        label=_("driver assigned"),
        text=_("A driver is on the way for order %(order)s: %(driver)s, %(vehicle)s."),
        ways=IN_APP,
        each=True,
        while_in=_GOING_ON,
    ),
    "dispatched_by_hand": Template(
        on=("dispatch", "dispatch"),
        label=_("driver found by our staff"),
        text=_("Our staff found a driver for order %(order)s: %(driver)s, %(vehicle)s."),
        by_hand=True,
        each=True,
        while_in=_GOING_ON,
    ),
    "cancelled": Template(
        on=("order", "cancel"),
        label=_("order cancelled"),
        text=_("Order %(order)s is cancelled. Whatever you paid for it comes back to you."),
    ),
    "failed": Template(
        on=("order", "fail"),
        label=_("order could not be booked"),
        text=_("We are sorry: order %(order)s could not be booked. Whatever you paid for it comes back to you."),
    ),
    "refund_sent": Template(
        on=("refund", "send"),
        label=_("refund on its way"),
        text=_("%(amount)s for order %(order)s are on their way back to you."),
        each=True,
    ),
    "refunded": Template(
        on=("refund", "succeed"),
        label=_("refund done"),
        text=_("%(amount)s for order %(order)s have been given back. Your bank may need some days to show it."),
        each=True,
    ),
    "transferred": Template(
        on=("refund", "transfer"),
        label=_("refund transferred"),
        text=_("We have transferred %(amount)s for order %(order)s to your bank account."),
        each=True,
    ),
    "paid_late": Template(
        on=("order", "pay_late"),
        label=_("paid after the order was closed"),
        text=_("Your payment for order %(order)s came after it was closed. Today we decide: a ride or your money."),
        while_in=frozenset({OrderState.PAID_AFTER_CLOSE}),
    ),
    "receipt": Template(
        on=("order", "complete"),
        label=_("receipt"),
        text=_("Receipt for order %(order)s: %(amount)s, paid. Thank you for travelling with us."),
        free_text=_("Receipt for order %(order)s: your promo covered it all. Thank you for travelling with us."),
        ways=BY_EMAIL,
    ),
    "dispatch_queue": Template(
        on=("inbound", "dispatch_queue_grew"),  # of the general history, which has no machine of its own
        label=_("dispatch queue grows"),
        text=_("%(count)s orders wait for dispatch. TPG/BBD may be down."),
        ways=CHANNEL,
        audience=STAFF,
    ),
    "saga_needs_hand": Template(
        on=("saga", "give_up"),
        label=_("booking needs a hand"),
        text=_("The booking of order %(order)s gave up: %(amount)s are paid and a person has to decide."),
        ways=CHANNEL,
        audience=STAFF,
        each=True,
    ),
    "refund_failed": Template(
        on=("refund", "fail"),
        label=_("refund refused"),
        text=_("The gateway refused the refund of %(amount)s for order %(order)s: a person has to decide."),
        ways=CHANNEL,
        audience=STAFF,
        each=True,
    ),
    "trouble_payment": Template(
        on=None,
        label=_("trouble with payments"),
        text=_(
            "We are having trouble with payments. Please do not pay for order %(order)s a second time: what you paid "
            "is safe, and we tell you as soon as it is settled."
        ),
    ),
    "trouble_dispatch": Template(
        on=None,
        label=_("trouble finding a driver"),
        text=_("Finding a driver for order %(order)s takes longer today. We keep trying, and cancelling is free."),
        while_in=_GOING_ON,
    ),
    "trouble_over": Template(
        on=None,
        label=_("trouble is over"),
        text=_("The trouble that held up order %(order)s is over. Its state in the app is right again. We are sorry."),
    ),
    "trouble_repaired": Template(
        on=None,
        label=_("held up, and going on"),
        text=_(
            "Order %(order)s was held up by trouble of ours and is going on now. You need do nothing. We are sorry."
        ),
        while_in=_GOING_ON | {OrderState.COMPLETED},
    ),
    "trouble_refunded": Template(
        on=None,
        label=_("held up, and paid back"),
        text=_(
            "Trouble of ours kept order %(order)s from being carried out. Your money goes back the way it came; your "
            "bank may need some days to show it. We are sorry."
        ),
        while_in=_CLOSED,
    ),
    "trouble_closed": Template(
        on=None,
        label=_("held up, and closed unpaid"),
        text=_(
            "Trouble of ours held up order %(order)s until it was closed. We hold no money of yours for it; you may "
            "order again. We are sorry."
        ),
        while_in=_CLOSED,
    ),
    "trouble_pending": Template(
        on=None,
        label=_("still held up"),
        text=_(
            "Order %(order)s is still held up by trouble of ours. We are working on it: please do not pay again, what "
            "you paid is safe, and you hear from us when it goes on."
        ),
    ),
}

KINDS: Final = frozenset(template.on for template in TEMPLATES.values() if template.on is not None)
BY_OPERATOR: Final = tuple(name for name, template in TEMPLATES.items() if template.on is None)


def wanted_by(event: Event) -> Mapping[str, Template]:
    """The messages that this event asks for, by name."""
    is_person = event.actor.startswith("user:")
    return {
        name: template
        for name, template in TEMPLATES.items()
        if template.on == event.kind and (is_person or not template.by_hand)
    }


def label(name: str) -> str:
    """What a message is about, in the reader's language; an unknown one by its name."""
    return str(TEMPLATES[name].label) if name in TEMPLATES else name
