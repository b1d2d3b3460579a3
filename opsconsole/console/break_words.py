"""What to do next about a break or a case, and what the traits of a case are called."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import names
from orders.states import Service
from reconciliation.states import BreakType

NEXT: Final[Mapping[str, str | Promise]] = {
    BreakType.MISSING_IN_HO: gettext_lazy(
        "Open the order: if it is finished, post it to Head Office again. It is booked once, whatever was sent before."
    ),
    BreakType.HO_WITHOUT_PAYMENT: gettext_lazy(
        "Look for the payment under another order or reference. If there is none, have Head Office reverse its entry."
    ),
    BreakType.MISSING_AT_GATEWAY: gettext_lazy(
        "Re-check the payment at the gateway. If it is there, its report is incomplete: ask for it again and load it."
    ),
    BreakType.GATEWAY_WITHOUT_PAYMENT: gettext_lazy(
        "Look for the customer by amount and time, link the lines by hand, or have the gateway refund the payment."
    ),
    BreakType.AMOUNT_DIFFERS: gettext_lazy(
        "Compare the fields that differ. One exact difference in many orders has one cause: settle it at its source."
    ),
    BreakType.CURRENCY_DIFFERS: gettext_lazy("See which currency the order has, and have the other side corrected."),
    BreakType.STATUS_DIFFERS: gettext_lazy(
        "Re-check the payment: what the gateway answers now decides. If it was voided, the order is not paid."
    ),
    BreakType.DUPLICATE_CHARGE: gettext_lazy("Refund the later charge at the gateway that took it."),
    BreakType.DUPLICATE_CHARGE_ACROSS: gettext_lazy("Refund the later charge at the gateway that took it."),
    BreakType.DUPLICATE_IN_HO: gettext_lazy("Have Head Office reverse one of the entries."),
    BreakType.REFUND_MISSING_IN_HO: gettext_lazy("Post the refund to Head Office again."),
    BreakType.REFUND_EXCEEDS_PAID: gettext_lazy("See who refunded and why; then claim back what was too much."),
    BreakType.LATE_REVERSAL: gettext_lazy(
        "The money is gone. If the ride took place, collect it again; Head Office's entry is to be reversed."
    ),
    BreakType.FEE_DIFFERS: gettext_lazy("Compare with the contract; claim the difference from the gateway."),
    BreakType.PAYOUT_DIFFERS: gettext_lazy("Compare the payout with its lines; ask the gateway for what is missing."),
    BreakType.AMBIGUOUS: gettext_lazy("Choose which lines belong together, and link them by hand."),
    BreakType.INVALID_ROW: gettext_lazy("Correct the row of the file and load it again."),
}
TRAITS: Final[Mapping[str, Promise]] = {
    "gateway": gettext_lazy("Gateway"),
    "method": gettext_lazy("Method"),
    "service": gettext_lazy("Service"),
    "city": gettext_lazy("Region"),
    "hour": gettext_lazy("Hour of the day (WIB)"),
}
BUCKET_WORDS: Final[Mapping[str, Promise]] = {
    "<1": gettext_lazy("under 1 business day"),
    "1-3": gettext_lazy("1 to 3 business days"),
    "3-7": gettext_lazy("3 to 7 business days"),
    "7-30": gettext_lazy("7 to 30 business days"),
    ">30": gettext_lazy("over 30 business days"),
}


def trait_value(trait: str, value: str) -> str:
    """One value of a trait as people call it."""
    if not value:
        return _("not known")
    if trait == "gateway":
        return names.system(value)
    if trait == "method":
        return names.method(value)
    if trait == "service":
        return str(Service(value).label) if value in Service.values else value
    return value
