"""What a person may do to an order now, and why not the rest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.action_answers import told
from opsconsole.console.order_guards import Guards
from opsconsole.console.roles import RIGHT_BY_CODENAME, ROLE_LABELS, roles_with
from opsconsole.console.staff import actor_name
from orders.models import Order, Refund
from orders.queries.money import Money
from orders.queries.order_page import OrderRows
from orders.queries.sentences import ACTIONS
from orders.services import actions
from orders.services.booking import BY_HAND
from orders.services.refunds import by_api
from orders.states import OrderState, RefundState

RUNNING: Final = ("awaiting_approval", "queued", "running")
_CARRIED_OUT: Final = (
    OrderState.PAID,
    OrderState.BOOKING,
    OrderState.QUEUED_FOR_DISPATCH,
    OrderState.ACTIVE,
)


class Risk(StrEnum):
    """Style B4, dangerous actions by risk."""

    SAFE = "safe"  # repeatable: one click, result inline
    VISIBLE = "visible"  # the customer notices: a dialog
    MONEY = "money"  # irreversible: a dialog with the exact sum


@dataclass(frozen=True)
class Kind:
    """One action of `orders.services.actions`: the right it needs and what it does, in one sentence.

    What is done at a desk (`is_desk`) stands there and not among what can be done with every order.
    """

    right: str
    risk: Risk
    effect: Promise
    is_desk: bool = False


KINDS: Final[dict[str, Kind]] = {
    "recheck_payment": Kind(
        "recheck_payment",
        Risk.SAFE,
        gettext_lazy("Asks every gateway about every attempt and applies what it says."),
    ),
    "make_link": Kind(
        "make_link",
        Risk.VISIBLE,
        gettext_lazy("Closes every link that could still be paid, then makes a new one."),
    ),
    "retry_booking": Kind(
        "retry_booking",
        Risk.SAFE,
        gettext_lazy("Takes the booking up where it stopped. Nothing is booked twice."),
    ),
    "repost_ho": Kind(
        "repost_ho",
        Risk.SAFE,
        gettext_lazy("Sends what Head Office lacks again, under the same reference."),
    ),
    "refund": Kind("refund_order", Risk.MONEY, gettext_lazy("Gives money back to the customer the way it came.")),
    "cancel_order": Kind(
        "cancel_order",
        Risk.MONEY,
        gettext_lazy("Cancels the order, undoes what is booked and gives back what was paid."),
    ),
    "send_link": Kind(
        "make_link",
        Risk.SAFE,
        gettext_lazy("Sends the link that is open now to the customer."),
        is_desk=True,
    ),
    "send_to_dispatch": Kind(
        "retry_booking",
        Risk.SAFE,
        gettext_lazy("Gives it to the dispatch system once more. Nothing is booked twice."),
        is_desk=True,
    ),
    "dispatch_by_hand": Kind(
        "dispatch_by_hand",
        Risk.SAFE,
        gettext_lazy("The driver confirmed: the trip begins, and the dispatch system is not asked any more."),
        is_desk=True,
    ),
    "customer_cancelled": Kind(
        "cancel_order",
        Risk.MONEY,
        gettext_lazy("The customer waits no longer: cancels the order and gives back what was paid."),
        is_desk=True,
    ),
    "give_up_dispatch": Kind(
        "cancel_order",
        Risk.MONEY,
        gettext_lazy("No car is to be had: the order fails and the money goes back."),
        is_desk=True,
    ),
    "record_transfer": Kind(
        "record_transfer",
        Risk.MONEY,
        gettext_lazy("Writes down that a refund went back by bank transfer, with the bank's reference."),
        is_desk=True,
    ),
    "end_trip": Kind(
        "dispatch_by_hand",
        Risk.VISIBLE,
        gettext_lazy("The driver says that the customer has arrived: completes the order."),
        is_desk=True,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One action as this person sees it on this order. `why_not` is '' when it may be done; `first` is the action
    that is in its way, 0 for none; `seen` up to which one this person has read the results."""

    name: str
    label: str
    effect: str
    risk: Risk
    url: str
    key: str
    why_not: str
    seen: int = 0
    first: int = 0
    is_next: bool = False

    @property
    def has_dialog(self) -> bool:
        return self.risk != Risk.SAFE

    @property
    def is_danger(self) -> bool:
        return self.risk == Risk.MONEY


def choices_of(rows: OrderRows, money: Money, user: Any, *, next_step: str = "") -> Sequence[Choice]:
    """All that can be done with every order, the end of a trip that was sent by hand, and what became of money that
    only a person can send."""
    names = [name for name, kind in KINDS.items() if not kind.is_desk]
    if any(step.partner == BY_HAND for step in rows.steps):
        names.append("end_trip")
    if failed_refunds(rows):
        names.append("record_transfer")
    guards = Guards(rows.order, rows.actions)
    return [_choice(rows, money, user, name, guards, next_step=next_step) for name in names]


def suggested_refund(rows: OrderRows, money: Money) -> int:
    """What would be given back if nobody said otherwise, in minor units: a refund that failed, what is
    too much while the order is carried out, or all that is held."""
    failed = failed_refund(rows)
    if failed is not None:
        return failed.amount
    surplus = money.free - rows.order.amount
    return surplus if rows.order.state in _CARRIED_OUT and surplus > 0 else max(0, money.free)


def failed_refund(rows: OrderRows) -> Refund | None:
    """The one that would be sent again: the last that its gateway may take after all."""
    again = (each for each in reversed(failed_refunds(rows)) if by_api(rows.attempt_by_id[each.attempt_id]))
    return next(again, None)


def failed_refunds(rows: OrderRows) -> list[Refund]:
    """Those that a person may transfer by hand."""
    return [refund for refund in rows.refunds if refund.state == RefundState.FAILED]


def _choice(rows: OrderRows, money: Money, user: Any, name: str, guards: Guards, *, next_step: str) -> Choice:
    kind, order = KINDS[name], rows.order
    params = {"amount": suggested_refund(rows, money)} if name == "refund" else {}
    return Choice(
        name=name,
        label=label_of(order, name),
        effect=effect_of(order, name, hasfailed_refund=failed_refund(rows) is not None),
        risk=risk_of(order, name),
        url=reverse(f"order-{name}", args=[order.public_id]),
        key=one_click_key(order, user, name, last=guards.last),
        why_not=forbidden(user, kind.right) or held_back(guards, name, params),
        seen=guards.seen,
        first=guards.first(name, params),
        is_next=name == next_step,
    )


def desk_choice(order: Order, user: Any, name: str, guards: Guards, **params: Any) -> Choice:
    """One act of a desk as this person sees it; `params` are what it will be asked for with."""
    kind, by = KINDS[name], actor_name(user)
    query = urlencode({each: value for each, value in params.items() if value})
    return Choice(
        name=name,
        label=label_of(order, name),
        effect=str(kind.effect),
        risk=kind.risk,
        url=f"{reverse(f'order-{name}', args=[order.public_id])}?{query}",
        key=one_click_key(order, user, name, last=guards.last, what=query),
        why_not=forbidden(user, kind.right)
        or told(held_back(guards, name, {**params, "by": by}))
        or actions.shut_out(order, name, params),
        seen=guards.seen,
        first=guards.first(name, params),
    )


def label_of(order: Order, name: str) -> str:
    if name == "retry_booking" and order.state == OrderState.PAID_AFTER_CLOSE:
        return _("Reinstate and book")
    return str(ACTIONS[name])


def effect_of(order: Order, name: str, *, hasfailed_refund: bool = False) -> str:
    if name == "refund" and hasfailed_refund:
        return _("Sends the refund that failed again, under the same key.")
    if name == "retry_booking" and order.state == OrderState.PAID_AFTER_CLOSE:
        return _("Counts the late money as payment, then books every item.")
    return str(KINDS[name].effect)


def risk_of(order: Order, name: str) -> Risk:
    """Booking a closed order again is no repetition: the customer may not want it any more."""
    reinstates = name == "retry_booking" and order.state == OrderState.PAID_AFTER_CLOSE
    return Risk.VISIBLE if reinstates else KINDS[name].risk


def one_click_key(order: Order, user: Any, name: str, *, last: int, what: str = "") -> str:
    """The same until something was asked for or the order moved: a double click is one action.

    `what` tells apart acts of one name: a link sent by another way is another act.
    """
    said = f"{user.pk}:{order.pk}:{order.version}:{name}:{last}:{what}"
    return hashlib.sha256(said.encode()).hexdigest()[:40]


def forbidden(user: Any, right: str) -> str:
    """Which roles may, when this person may not; else ''."""
    if user.has_perm(RIGHT_BY_CODENAME[right].permission):
        return ""
    roles = ", ".join(str(ROLE_LABELS[role]) for role in roles_with(right))
    return _("Your role may not. These may: %(roles)s.") % {"roles": roles}


def held_back(guards: Guards, name: str, params: Mapping[str, Any]) -> str:
    """Why nobody may do it now: it is being done, the order is not so, or something stands in the way."""
    order = guards.order
    return guards.busy(name, params) or actions.why_not(order, name, params) or guards.why_not(name, params)
