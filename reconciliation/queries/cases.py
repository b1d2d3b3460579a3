"""Cases: breaks with one cause as one line, with the sentence that proposes the cause."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import names
from orders.money import shown
from reconciliation import business_day
from reconciliation.ageing import BUCKETS, Severity, bucket, bucket_bounds, severity
from reconciliation.cause_words import told_cause
from reconciliation.models import Case
from reconciliation.states import BreakType

PAGE: Final = 50
_LONGEST: Final = 31  # digits of the largest sum

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

    def __str__(self) -> str:
        return f"{self.money:f}~{self.pk}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """None for anything that no list has written."""
        money, _mark, pk = text.partition("~")
        return cls(Decimal(money), int(pk)) if _is_number(money) and _is_number(pk) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case as a list shows it."""

    case: Case
    cause: str
    severity: Severity
    age: str


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed to; empty means any. `age` is the bucket of the oldest break, as of `at`;
    `first_day` and `last_day` are business days, both included, that a case's time window has to touch."""

    pairings: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    owner: int | None = None
    unowned: bool = False
    age: str = ""
    at: datetime | None = None
    open_only: bool = True
    first_day: date | None = None
    last_day: date | None = None


def cases(wanted: CaseFilter | None = None) -> QuerySet[Case]:
    """The most money first."""
    wanted = wanted or CaseFilter()
    found = Case.objects.order_by("-money", "-pk").select_related("owner")
    if wanted.open_only:
        found = found.filter(is_open=True)
    for field, values in (("pairing", wanted.pairings), ("type", wanted.types), ("currency", wanted.currencies)):
        if values:
            found = found.filter(**{f"{field}__in": values})
    if wanted.owner is not None:
        found = found.filter(owner=wanted.owner)
    if wanted.unowned:
        found = found.filter(owner=None)
    return _of_age(_of_window(found, wanted), wanted)


def _of_window(found: QuerySet[Case], wanted: CaseFilter) -> QuerySet[Case]:
    if wanted.first_day is not None:
        found = found.filter(last_at__gte=business_day.begins(wanted.first_day))
    if wanted.last_day is not None:
        found = found.filter(first_at__lt=business_day.begins(wanted.last_day + timedelta(days=1)))
    return found


def _of_age(found: QuerySet[Case], wanted: CaseFilter) -> QuerySet[Case]:
    if wanted.age not in BUCKETS or wanted.at is None:
        return found
    newest, oldest = bucket_bounds(wanted.at)[BUCKETS.index(wanted.age)]
    if newest is not None:
        found = found.filter(first_at__lt=newest)
    return found.filter(first_at__gte=oldest) if oldest is not None else found


def totals(found: QuerySet[Case]) -> list[tuple[str, int, int, int]]:
    """By currency: cases, their open breaks, and the money at stake in minor units."""
    sums = found.order_by().values("currency").annotate(cases=Count("pk"), lines=Sum("count"), at_stake=Sum("money"))
    return [(row["currency"], row["cases"], row["lines"], int(row["at_stake"])) for row in sums.order_by("-at_stake")]


class Share(NamedTuple):
    """How many breaks of a case have one trait in common, and the money at stake in them."""

    trait: str
    value: str
    breaks: int
    money: int


SAMPLE: Final = 20_000  # breaks that a pattern is read from, the oldest first
_PATTERN: Final = """
WITH sample AS (
    SELECT gateway, method, order_reference, occurred_at, exposure FROM reconciliation_break
    WHERE case_id = %(case)s AND state = 'open' ORDER BY occurred_at, id LIMIT %(sample)s
),
known AS (
    SELECT s.gateway, s.method, s.exposure, coalesce(o.service, '') AS service, coalesce(o.city, '') AS city,
           to_char(s.occurred_at AT TIME ZONE 'Asia/Jakarta', 'HH24') AS hour
    FROM sample s LEFT JOIN orders_order o ON o.public_id = s.order_reference
)
SELECT CASE WHEN grouping(gateway) = 0 THEN 'gateway' WHEN grouping(method) = 0 THEN 'method'
            WHEN grouping(service) = 0 THEN 'service' WHEN grouping(city) = 0 THEN 'city' ELSE 'hour' END,
       coalesce(gateway, method, service, city, hour), count(*), sum(exposure)::bigint
FROM known GROUP BY GROUPING SETS ((gateway), (method), (service), (city), (hour))
ORDER BY 1, 3 DESC, 2
"""


def pattern(case: Case) -> list[Share]:
    """By gateway, method, service, city and hour (WIB); of each the commonest value first."""
    with connection.cursor() as cursor:
        cursor.execute(_PATTERN, {"case": case.pk, "sample": SAMPLE})
        return [Share(*row) for row in cursor.fetchall()]


def case_of(pk: int) -> Case | None:
    return Case.objects.select_related("owner").filter(pk=pk).first()


def case_row(case: Case, now: datetime) -> CaseRow:
    return CaseRow(case, proposed_cause(case), _severity(case, now), _bucket(case, now))


def page(found: QuerySet[Case], now: datetime, *, after: Place | None = None, size: int = PAGE) -> list[CaseRow]:
    if after is not None:
        found = found.filter(TupleLessThan(Tuple("money", "id"), (after.money, after.pk)))
    return [case_row(case, now) for case in found[:size]]


def _bucket(case: Case, now: datetime) -> str:
    return bucket(case.first_at or case.found_at, now)


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
        said.append(
            _("Always the same difference: %(amount)s.")
            % {"amount": shown(int(traits["difference"]), currency=currency)}
        )
    if traits.get("cause"):
        said.append(_("What we know of telling them: %(cause)s.") % {"cause": told_cause(traits["cause"])})
    if traits.get("gateway") or traits.get("source"):
        name = names.system(traits.get("gateway") or traits["source"])
        said.append(_("At: %(name)s.") % {"name": name})
    if traits.get("method"):
        said.append(_("Method: %(name)s.") % {"name": names.method(traits["method"])})
    return said
