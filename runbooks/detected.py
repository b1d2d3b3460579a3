"""What our own detectors say, in the language of whoever reads it: the words are here, the figures in the rows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from reconciliation import business_day
from runbooks.catalogue import CATALOGUE

OWN: Final = "opsconsole"  # the source of what our own detectors find

LINES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "OrdersZero": _("No order for %(minutes)s minutes, %(before)s in the half hour before"),
        "CompensationRate": _("%(count)s sagas undone within a minute"),
        "PaymentLinkSlow": _("Payment links take %(p95)s s at P95"),
        "StuckSpike": _("%(count)s orders hang, %(usual)s is usual"),
        "UnexplainedMoney": _("Rp %(amount)s in %(cases)s cases have no known cause"),
        "MoneyRuleBroken": _("%(count)s orders break a rule about money"),
        "ServiceDown": _("%(service)s has not been reached since %(since)s WIB"),
    }
)


def line(name: str, values: Mapping[str, Any]) -> str:
    """The sentence of detector `name` in the active language; "" for a name or figures that are not ours."""
    if name not in LINES:
        return ""
    try:
        return str(LINES[name]) % {key: _shown(key, value) for key, value in values.items()}
    except KeyError:
        return ""  # a row of an older version, which did not keep all figures


def english(name: str, values: Mapping[str, Any]) -> str:
    """The sentence as it is stored and paged."""
    with override("en"):
        return line(name, values)


def _shown(key: str, value: Any) -> str:
    if key == "service":
        return CATALOGUE[value].title if value in CATALOGUE else str(value)
    if key == "since":
        return f"{datetime.fromisoformat(value).astimezone(business_day.ZONE):%H:%M:%S}"
    if isinstance(value, float):
        return f"{value:.1f}".replace(".", ",")
    return f"{value:,}".replace(",", ".") if isinstance(value, int) else str(value)
