"""What people call the systems and payment methods that the code calls by short names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SYSTEMS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "midtrans": "Midtrans",
        "xendit": "Xendit",
        "nicepay": "Nicepay",
        "import": _("Imported file"),
        "tpg": "TPG",
        "rent": _("Rent partner"),
        "delivery": _("Delivery partner"),
        "shuttle": _("Shuttle partner"),
        "hand": _("Driver (by phone)"),
        "ho": _("Head Office"),
        "ledger": _("Our ledger"),
        "bank": _("Bank transfer by hand"),
        "sendgrid": "SendGrid",
        "ses": "Amazon SES",
        "twilio": "Twilio",
        "infobip": "Infobip",
        "whatsapp": "WhatsApp",
        "fcm": "FCM",
        "apns": "APNs",
        "slack": "Slack",
        "inventory": _("Inventory"),
        "pagerduty": "PagerDuty",
        "mail": _("Email"),
        "upg": _("Payment gateways"),
        "orders": _("Orders"),
        "carts": _("Carts"),
    }
)

METHODS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "card": _("Card"),
        "gopay": "GoPay",
        "qris": "QRIS",
        "va_bca": "BCA VA",
        "va_bni": "BNI VA",
        "va_permata": "Permata VA",
        "ovo": "OVO",
        "shopeepay": "ShopeePay",
        "cstore": _("Convenience store"),
        "cash": _("Cash"),
    }
)


def system(name: str) -> str:
    """A gateway, partner or Head Office in the reader's language; an unknown name as it is."""
    return str(SYSTEMS.get(name, name))


def method(name: str) -> str:
    """A payment method in the reader's language; a foreign one (imports) as it is."""
    return str(METHODS.get(name, name))


def bank_reference(text: str) -> str:
    """What a bank calls a transfer, in its one spelling: no blanks, capital letters."""
    return "".join(text.split()).upper()
