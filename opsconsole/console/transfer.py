"""Recording a transfer by hand: its form, what the form offers, and what would happen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from opsconsole.console.formats import WIB, duration, wib
from opsconsole.console.formats import money as shown_money
from orders import names
from orders.models import Order, Refund
from orders.services.actions import APPROVAL_TIME, transfer

NAME: Final = transfer.NAME
MINUTE: Final = "%Y-%m-%dT%H:%M"  # of a datetime-local input


class BankReferenceField(forms.CharField):
    """In the one spelling that is kept and compared."""

    def to_python(self, value: Any) -> str:
        return names.bank_reference(str(value or ""))


class WibField(forms.CharField):
    """A datetime-local input in business time; kept as an instant (ISO 8601)."""

    def to_python(self, value: Any) -> str:
        try:
            return datetime.strptime(str(value or ""), MINUTE).replace(tzinfo=WIB).isoformat()
        except ValueError:
            return ""


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What the form shows. `refunds` are (key, label, whether chosen) of all that failed, `amount` the largest."""

    refunds: Sequence[tuple[str, str, bool]]
    amount: int
    reference: str
    transferred_at: str


def fields_of(order: Order, given: Mapping[str, Any]) -> Fields:
    """With what was typed before, as it was typed."""
    failed = transfer.failed(order)
    chosen = next((each for each in failed if each.key == given.get("refund")), failed[0] if failed else None)
    return Fields(
        refunds=[(each.key, _label(each), each == chosen) for each in failed],
        amount=max((each.amount for each in failed), default=0),
        reference=str(given.get("reference", "")),
        transferred_at=str(given.get("transferred_at", "")),
    )


def _label(refund: Refund) -> str:
    """`Rp 150.000 · BCA VA, Midtrans · rf-1a2b3c4d, asked for 20 Nov 2026, 11:42 WIB`."""
    paid = f"{names.method(refund.attempt.method)}, {names.system(refund.attempt.gateway)}"
    asked = _("asked for %(time)s") % {"time": wib(refund.created_at, seconds=False)}
    return f"{shown_money(refund.amount, currency=refund.currency)} · {paid} · {refund.key[:11]}, {asked}"


def effects_before() -> list[str]:
    """For whoever is about to write it down."""
    return [
        _("Nothing is sent: transfer the money first, then write down here that you did."),
        _("The refund counts as done and is never sent to the gateway again. Our ledger and Head Office are told."),
        _("A second person always has to approve it, within %(time)s.") % {"time": duration(APPROVAL_TIME)},
    ]


def effects_to_approve(order: Order, params: Mapping[str, Any]) -> list[str]:
    """For the second person: which money, and by which evidence."""
    refund = transfer.named(order, params)
    at = parse_datetime(str(params.get("transferred_at", "")))
    if refund is None or at is None:
        return []
    named = {
        "refund": refund.key,
        "sum": shown_money(refund.amount, currency=refund.currency),
        "paid": names.method(refund.attempt.method),
        "reference": params["reference"],
        "time": wib(at, seconds=False),
    }
    return [
        _("The refund %(refund)s of %(sum)s, paid by %(paid)s, counts as transferred by hand.") % named,
        _("Look at the bank's statement: %(sum)s left our account on %(time)s under %(reference)s.") % named,
        _("It cannot be undone, and the refund is never sent to the gateway again."),
    ]
