"""Rules of matching in the reader's words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.book_shown import told_actor
from orders import names
from orders.money import shown, to_major
from orders.queries.order_page import people
from reconciliation.states import Pairing

_THOUSANDTHS: Final = Decimal(1000)
_HUNDREDTHS: Final = Decimal(100)
LABELS: Final[Mapping[str, Promise]] = {
    "tolerance": gettext_lazy("Tolerance"),
    "tolerance_percent": gettext_lazy("Tolerance in percent"),
    "tolerance_by_currency": gettext_lazy("Tolerance of single currencies"),
    "open_order_hours": gettext_lazy("Hours after which an unfinished order is due"),
    "patience_days": gettext_lazy("Days after which a line is missing"),
    "tariffs": gettext_lazy("Agreed fees"),
    "known": gettext_lazy("Known differences"),
}


def told_field(name: str, value: Any) -> tuple[str, list[str]]:
    """A field of the rules: what it is called, and its value line by line."""
    match name:
        case "tariffs":
            said = [told_tariff(each) for each in value]
        case "known":
            said = [told_known(each) for each in value]
        case "tolerance_by_currency":
            said = [f"{code} {to_major(int(amount), currency=code)}" for code, amount in sorted(value.items())]
        case "tolerance":
            said = [f"{value / _THOUSANDTHS:f}"]
        case "tolerance_percent":
            said = [f"{value / _HUNDREDTHS:f}%"]
        case _:
            said = [str(value)]
    return str(LABELS.get(name, name)), said


def told_tariff(found: Mapping[str, Any]) -> str:
    """`Midtrans, GoPay, from 2026-01-01: Rp 4.000 + 2% + VAT 11%, within Rp 1`."""
    currency = found["currency"]
    parts = [shown(found["fixed"], currency=currency)] if found["fixed"] else []
    parts += [f"{found['percent'] / _HUNDREDTHS:f}%"] if found["percent"] else []
    fee = " + ".join(parts) or shown(0, currency=currency)
    for name, said in (
        ("least", _("at least %(sum)s")),
        ("most", _("at most %(sum)s")),
        ("above", _("from a month's volume of %(sum)s")),
    ):
        fee += f", {said % {'sum': shown(found[name], currency=currency)}}" if found.get(name) else ""
    return _("%(gateway)s, %(method)s, from %(day)s: %(fee)s + VAT %(vat)s%%, within %(within)s") % {
        "gateway": names.system(found["gateway"]),
        "method": names.method(found["method"]) if found["method"] else _("any method"),
        "day": found["valid_from"],
        "fee": fee,
        "vat": f"{found['vat'] / _HUNDREDTHS:f}",
        "within": shown(found["within"], currency=currency),
    }


def told_known(found: Mapping[str, Any]) -> str:
    """What is let pass, of whom, when, and why."""
    whom = [names.system(name) for name in (found["gateway"], found["source"]) if name]
    whom += [names.method(found["method"])] if found["method"] else []
    return _("%(pairing)s: %(whom)s: %(difference)s, %(first)s to %(last)s: %(reason)s") % {
        "pairing": Pairing(found["pairing"]).label,
        "whom": ", ".join(whom),
        "difference": shown(found["difference"], currency=found["currency"]),
        "first": found["first"],
        "last": found["last"] or _("further notice"),
        "reason": found["reason"],
    }


def told_people(found: Mapping[str, Any]) -> str:
    """Who stated a known difference and who approved it."""
    known = people([found["asked_by"], found["approved_by"]])
    return _("asked by %(one)s, approved by %(other)s") % {
        "one": told_actor(found["asked_by"], known),
        "other": told_actor(found["approved_by"], known),
    }
