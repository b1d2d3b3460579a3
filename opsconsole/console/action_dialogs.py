"""What a dialog says before something is done: the effect, the exact sum, and what speaks against it now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from opsconsole.console import transfer
from opsconsole.console.formats import duration
from opsconsole.console.formats import money as shown_money
from opsconsole.console.order_choices import effect_of, failed_refund, held_back, label_of, suggested_refund
from opsconsole.console.order_guards import Guards
from opsconsole.console.staff import actor_of
from opsconsole.console.sums import accepted_spellings, parsed_sum
from orders import names
from orders.models import Order
from orders.queries.money import Money, money_of
from orders.queries.order_page import OrderRows, rows_of
from orders.services import actions
from orders.services.booking import BY_HAND
from orders.services.routing import route
from orders.services.truths import Answer, Truth, ask_everybody
from orders.states import AttemptState, StepState

# An operator waits for the dialog; the neighbours get less time than on the panel.
PATIENCE: Final = 3.0  # seconds
# After these the order is closed for good.
ENDINGS: Final = ("cancel_order", "customer_cancelled", "give_up_dispatch")


@dataclass(frozen=True, kw_only=True)
class Dialog:
    """`amount` is what a refund gives back; `needs_second` when a second person has to approve it;
    `effects` are what will happen, in order; `why_not` is set where nothing can be done after all."""

    order: Order
    name: str
    title: str
    button: str
    keep: str
    effects: Sequence[str]
    is_danger: bool
    why_not: str = ""
    money: Money
    amount: int = 0
    largest: int = 0
    is_fixed: bool = False
    pattern: str = ""
    needs_second: bool = False
    seen: int = 0
    gateways: Sequence[tuple[str, str]] = ()
    entry: str = ""
    evidence: transfer.Fields | None = None
    form: Form | None = None
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def is_refund(self) -> bool:
        return self.name == "refund"

    @property
    def url(self) -> str:
        return reverse(f"order-{self.name}", args=[self.order.public_id])

    @property
    def reason(self) -> str:
        return str(self.given.get("reason", ""))


def dialog_of(request: HttpRequest, order: Order, name: str, *, form: Form | None = None) -> Dialog:
    rows = rows_of(order)
    money = money_of(order, rows.ledger, rows.refunds)
    fields = transfer.fields_of(order, request.POST) if name == transfer.NAME else None
    amount = fields.amount if fields else _amount(request, rows, money) if name == "refund" else 0
    needs_second = needs_second_person(order, name, amount, actor=actor_of(request))
    guards, params = Guards(order, rows.actions), _params(request, name, amount)
    return Dialog(
        order=order,
        name=name,
        title=_title(order, name),
        button=_button(order, name, amount, needs_second=needs_second),
        keep=_("Keep the order") if name in ENDINGS else _("Not now"),
        effects=[*_effects(rows, money, name, amount), *_second_person(name, needs_second=needs_second)],
        is_danger=name in ("refund", transfer.NAME) or name in ENDINGS,
        why_not=held_back(guards, name, params) or actions.shut_out(order, name, params),
        seen=guards.seen,
        money=money,
        amount=amount,
        largest=max(money.free, amount),
        is_fixed=failed_refund(rows) is not None,
        pattern=accepted_spellings(amount),
        needs_second=needs_second,
        gateways=_gateways(order) if name == "make_link" else (),
        entry=_entry(request),
        evidence=fields,
        form=form,
        given=dict(request.POST.items()) if form else {},
    )


def _entry(request: HttpRequest) -> str:
    """The place in the dispatch queue the dialog was opened for, '' for none."""
    given = request.POST.get("entry") or request.GET.get("entry") or ""
    return given if given.isdecimal() and len(given) < 19 else ""


def _params(request: HttpRequest, name: str, amount: int) -> dict[str, Any]:
    if name == "refund":
        return {"amount": amount}
    entry = _entry(request)
    return {"entry": int(entry), "by": actor_of(request)} if entry else {}


def _amount(request: HttpRequest, rows: OrderRows, money: Money) -> int:
    """A refund that failed goes again as it was; otherwise what was asked for, else what is suggested."""
    failed = failed_refund(rows)
    if failed is not None:
        return failed.amount
    given = request.POST.get("amount") or request.GET.get("amount") or ""
    return parsed_sum(given) or suggested_refund(rows, money)


def _title(order: Order, name: str) -> str:
    return _("%(action)s: %(order)s") % {"action": label_of(order, name), "order": order.public_id}


def _button(order: Order, name: str, amount: int, *, needs_second: bool) -> str:
    if needs_second:
        return _("Request approval")
    if name == "refund":
        return _("Refund %(sum)s") % {"sum": shown_money(amount, currency=order.currency)}
    return label_of(order, name)


def needs_second_person(order: Order, name: str, amount: int, *, actor: str = "") -> bool:
    return actions.needs_second_person(name, {"amount": amount}, currency=order.currency, actor=actor)


def effects_of(order: Order, name: str, amount: int) -> Sequence[str]:
    """What will happen, from how things are now: for whoever has to approve it."""
    rows = rows_of(order)
    return _effects(rows, money_of(order, rows.ledger, rows.refunds), name, amount)


def _effects(rows: OrderRows, money: Money, name: str, amount: int) -> Sequence[str]:
    if name == "refund":
        return _refund_effects(rows, amount)
    if name in ENDINGS:
        return _ending_effects(rows, money, name)
    if name == transfer.NAME:
        return transfer.effects_before()
    return [effect_of(rows.order, name)]


def _refund_effects(rows: OrderRows, amount: int) -> list[str]:
    sum_ = shown_money(amount, currency=rows.order.currency)
    gateways = {names.system(each.gateway) for each in rows.attempts if each.state == AttemptState.PAID}
    through = ", ".join(sorted(gateways)) or "–"
    effects = [_("%(sum)s goes back to the customer through %(gateway)s. It cannot be undone.")]
    if failed_refund(rows) is not None:
        effects = [_("The refund of %(sum)s that failed is sent to %(gateway)s again, under the same key.")]
    return [effect % {"sum": sum_, "gateway": through} for effect in effects]


def _second_person(name: str, *, needs_second: bool) -> list[str]:
    """For whoever proposes it; whoever approves sees the time that is left."""
    if name != "refund" or not needs_second:
        return []
    values = {"limit": shown_money(settings.SECOND_PERSON_FROM), "time": duration(actions.APPROVAL_TIME)}
    return [_("From %(limit)s on, a second person has to approve it within %(time)s.") % values]


def _ending_effects(rows: OrderRows, money: Money, name: str) -> list[str]:
    effects = [_("The order is cancelled. It cannot be opened again.")]
    if name == "give_up_dispatch":
        effects = [_("The order fails, because no car is to be had. It cannot be opened again.")]
    effects += _calls_first(rows)
    states = (StepState.DONE, StepState.SENT, StepState.UNKNOWN)
    booked = [step for step in rows.steps if step.state in states and step.partner != BY_HAND]
    if booked:
        partners = ", ".join(dict.fromkeys(names.system(step.partner) for step in booked))
        effects.append(_("What is booked with %(partners)s is cancelled there first.") % {"partners": partners})
    if money.free > 0:
        sum_ = shown_money(money.free, currency=money.currency)
        effects.append(_("%(sum)s goes back to the customer the way it came.") % {"sum": sum_})
        if money.free >= settings.SECOND_PERSON_FROM:
            effects.append(_("A second person has to approve the refund."))
    open_ = [attempt for attempt in rows.attempts if attempt.state in (AttemptState.OPEN, AttemptState.UNKNOWN)]
    if open_:
        effects.append(_("Open payment links are closed, so that nobody pays for nothing."))
    return effects


def _calls_first(rows: OrderRows) -> list[str]:
    """A car that was found by phone is called off by phone: no system knows of it."""
    cars = [entry for entry in rows.dispatches if entry.vehicle and entry.freed_at is None]
    said = _("Call the driver off first: %(vehicle)s, %(driver)s %(phone)s. No system does it for you.")
    values = [{"vehicle": each.vehicle, "driver": each.driver, "phone": each.driver_phone} for each in cars]
    return [" ".join((said % each).split()) for each in values]


def _gateways(order: Order) -> list[tuple[str, str]]:
    """'' first: the gateway that routing would take."""
    offered = [(name, names.system(name)) for name in route(order.method)]
    return [("", _("Choose for me")), *offered]


def warnings_of(order: Order, name: str) -> list[tuple[str, str]]:
    """(tone, sentence) of what speaks against it now; one calm line when nothing does."""
    said = ask_everybody(order, budget=PATIENCE)
    found = [
        (("failed" if truth.answer == Answer.SILENT else "attention"), text)
        for truth, text in _speaking(order, name, said)
    ]
    return found or [("done", _("Everybody was asked just now: nothing speaks against it."))]


def _speaking(order: Order, name: str, said: Sequence[Truth]) -> list[tuple[Truth, str]]:
    found = []
    for truth in said:
        text = _warning(order, name, truth)
        if text:
            found.append((truth, text % {"who": names.system(truth.who), "said": truth.said}))
    return found


def _warning(order: Order, name: str, truth: Truth) -> str:
    if truth.answer == Answer.SILENT:
        return _("%(who)s did not answer: what it knows is not known.")
    if truth.machine == "attempt":
        return _gateway_warning(name, truth)
    if truth.machine == "step" and name in (*ENDINGS, "refund") and truth.said in ("picked_up", "completed"):
        return _("%(who)s says the trip is “%(said)s”: the customer was driven.")
    if truth.machine == "posting" and not truth.ours and truth.answer == Answer.SAID:
        return _("%(who)s has an entry for this order already.")
    return ""


def _gateway_warning(name: str, truth: Truth) -> str:
    if name == "make_link" and truth.means == AttemptState.PAID:
        return _("%(who)s says it is paid: re-check the payment instead of asking for it twice.")
    if name == "refund" and truth.ours == AttemptState.PAID and truth.means != AttemptState.PAID:
        return _("%(who)s says “%(said)s”, not paid: re-check first, or money goes back that never came.")
    if name in ("refund", transfer.NAME) and truth.refunded:
        return _("%(who)s has given a part of it back already.")
    if name in ENDINGS and truth.means == AttemptState.PAID and truth.ours != AttemptState.PAID:
        return _("%(who)s says it is paid and we do not know it yet: re-check the payment first.")
    return ""
