"""Cases: breaks with one cause as one line, with the sentence that proposes the cause."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import names
from orders.money import to_major
from reconciliation.ageing import Severity, severity
from reconciliation.models import Case
from reconciliation.states import BreakType

PAGE: Final = 50

# What probably happened, by type; the traits of a case make it exact.
CAUSES: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        BreakType.MISSING_IN_HO: gettext_lazy("Head Office was not told, or did not record it."),
        BreakType.HO_WITHOUT_PAYMENT: gettext_lazy(
            "Head Office recorded what we never received, or under a wrong order."
        ),
        BreakType.MISSING_AT_GATEWAY: gettext_lazy("We count a payment that the gateway's report does not have."),
        BreakType.GATEWAY_WITHOUT_PAYMENT: gettext_lazy("The gateway took money that no order of ours knows of."),
        BreakType.AMOUNT_DIFFERS: gettext_lazy(
            "Both have it, with another amount: a fee, a rounding, or a part is missing."
        ),
        BreakType.CURRENCY_DIFFERS: gettext_lazy("Both have it, in different currencies."),
        BreakType.STATUS_DIFFERS: gettext_lazy("We count it as paid; the gateway says it is not."),
        BreakType.DUPLICATE_CHARGE: gettext_lazy(
            "The customer was charged more than once: the later charge is to be refunded."
        ),
        BreakType.DUPLICATE_CHARGE_ACROSS: gettext_lazy(
            "Two gateways charged for one order after a fail-over: the later charge is to be refunded."
        ),
        BreakType.DUPLICATE_IN_HO: gettext_lazy("Head Office recorded it twice: one entry is to be reversed."),
        BreakType.REFUND_MISSING_IN_HO: gettext_lazy("Money went back and Head Office was not told."),
        BreakType.REFUND_EXCEEDS_PAID: gettext_lazy("More went back than had come in."),
        BreakType.LATE_REVERSAL: gettext_lazy("The gateway took back a payment that had been settled."),
        BreakType.FEE_DIFFERS: gettext_lazy("The gateway charged another fee than agreed."),
        BreakType.PAYOUT_DIFFERS: gettext_lazy("The payout is not the sum of its lines."),
        BreakType.AMBIGUOUS: gettext_lazy("Several lines fit; a person has to choose."),
        BreakType.INVALID_ROW: gettext_lazy("A line of the file could not be read."),
    }
)


class Place(NamedTuple):
    """Where a page of cases ended."""

    money: Decimal
    pk: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case as a list shows it."""

    case: Case
    cause: str
    severity: Severity


def cases(*, pairing: str = "", type_: str = "", open_only: bool = True) -> QuerySet[Case]:
    """The most money first."""
    found = Case.objects.order_by("-money", "-pk").select_related("owner")
    if open_only:
        found = found.filter(is_open=True)
    if pairing:
        found = found.filter(pairing=pairing)
    return found.filter(type=type_) if type_ else found


def page(found: QuerySet[Case], now: datetime, *, after: Place | None = None, size: int = PAGE) -> list[CaseRow]:
    if after is not None:
        found = found.filter(TupleLessThan(Tuple("money", "id"), (after.money, after.pk)))
    return [CaseRow(case, proposed_cause(case), _severity(case, now)) for case in found[:size]]


def _severity(case: Case, now: datetime) -> Severity:
    return severity(
        exposure=int(case.money), currency=case.currency, occurred_at=case.first_at or case.found_at, now=now
    )


def proposed_cause(case: Case) -> str:
    """One sentence or two in the reader's language."""
    return " ".join([str(CAUSES[case.type]), *_exactly(case.traits, case.currency)])


def _exactly(traits: Mapping[str, Any], currency: str) -> list[str]:
    said = []
    if "difference" in traits:
        amount = to_major(int(traits["difference"]), currency=currency)
        said.append(
            _("Always the same difference: %(amount)s %(currency)s.") % {"amount": amount, "currency": currency}
        )
    if traits.get("cause"):
        said.append(_("What we know of telling them: %(cause)s.") % {"cause": traits["cause"]})
    if traits.get("gateway") or traits.get("source"):
        name = names.system(traits.get("gateway") or traits["source"])
        said.append(_("At: %(name)s.") % {"name": name})
    if traits.get("method"):
        said.append(_("Method: %(name)s.") % {"name": names.method(traits["method"])})
    return said
