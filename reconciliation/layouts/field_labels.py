"""What each field of a line is called where people read of it: the mapping editor, and sentences about a file."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# In the order of the mapping editor.
FIELD_LABELS: Final[Mapping[str, Promise]] = {
    "reference": _("Our payment reference"),
    "external_reference": _("Their transaction id"),
    "order_reference": _("Order"),
    "amount": _("Amount"),
    "credit": _("Credit"),
    "debit": _("Debit"),
    "direction": _("Debit or credit"),
    "currency": _("Currency"),
    "fee": _("Fee"),
    "refunded": _("Amount refunded"),
    "kind": _("Kind"),
    "status": _("Status"),
    "method": _("Method"),
    "occurred_at": _("Time of payment"),
    "date": _("Date, in its own column"),
    "time": _("Time, in its own column"),
    "zone": _("Time zone"),
    "batch": _("Batch or payout"),
    "source": _("Gateway"),
}
