"""Lists of breaks for screens and exports: filtered, one page at a time, oldest money first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from orders.queries.places import Place
from reconciliation import business_day
from reconciliation.ageing import BUCKETS, bucket_bounds
from reconciliation.models import Break, BreakEvent, Case, Entry
from reconciliation.states import BreakState, Pairing, Side

PAGE: Final = 50
COUNTED: Final = 10_000
_WIDEST_CUT_OFF: Final = timedelta(days=1)  # days are looked for in the order of time, which an index has
MOST_NAMED: Final = 20  # orders that lines of one reference may name


@dataclass(frozen=True, slots=True)
class BreakFilter:
    """What a list of breaks is narrowed to; empty means any. Days are business days, both included."""

    states: tuple[str, ...] = (BreakState.OPEN,)
    pairings: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    case: int | None = None
    owner: int | None = None
    unowned: bool = False
    first_day: date | None = None
    last_day: date | None = None
    least: int | None = None
    text: str = ""
    is_timing: bool | None = None
    age: str = ""
    at: datetime | None = None


def breaks(wanted: BreakFilter) -> QuerySet[Break]:
    """All that `wanted` names, in the order of the lists."""
    found = Break.objects.filter(state__in=wanted.states).order_by("occurred_at", "pk")
    for field, values in (
        ("pairing", wanted.pairings),
        ("type", wanted.types),
        ("gateway", wanted.gateways),
        ("method", wanted.methods),
    ):
        if values:
            found = found.filter(**{f"{field}__in": values})
    return _narrowed(found, wanted)


def _narrowed(found: QuerySet[Break], wanted: BreakFilter) -> QuerySet[Break]:
    if wanted.case is not None:
        found = found.filter(case=wanted.case)
    if wanted.owner is not None:
        found = found.filter(owner=wanted.owner)
    if wanted.unowned:  # neither it nor its case is anybody's, as lists show it
        found = found.filter(owner=None).exclude(case__in=Case.objects.filter(owner__isnull=False).values("pk"))
    if wanted.first_day:
        begins = business_day.begins(wanted.first_day) - _WIDEST_CUT_OFF
        found = found.filter(business_date__gte=wanted.first_day, occurred_at__gte=begins)
    if wanted.last_day:
        ends = business_day.begins(wanted.last_day + timedelta(days=1)) + _WIDEST_CUT_OFF
        found = found.filter(business_date__lte=wanted.last_day, occurred_at__lt=ends)
    if wanted.least is not None:
        found = found.filter(exposure__gte=wanted.least)
    if wanted.is_timing is not None:
        found = found.filter(is_timing=wanted.is_timing)
    if wanted.text:
        found = found.filter(_named(wanted.text))
    return _of_age(found, wanted)


def _named(text: str) -> Q:
    """By the order, or by a payment's reference: the books know its order, and have an index for both."""
    sides = (Side.OURS, Side.GATEWAY)
    orders = Entry.objects.filter(side__in=sides, reference=text).values_list("order_reference", flat=True)
    names = {text, *filter(None, orders[:MOST_NAMED])}
    return Q(order_reference__in=names) | Q(pairing=Pairing.GATEWAY, identity__startswith=f"{text}|")


def _of_age(found: QuerySet[Break], wanted: BreakFilter) -> QuerySet[Break]:
    if wanted.age not in BUCKETS or wanted.at is None:
        return found
    newest, oldest = bucket_bounds(wanted.at)[BUCKETS.index(wanted.age)]
    if newest is not None:
        found = found.filter(occurred_at__lt=newest)
    return found.filter(occurred_at__gte=oldest) if oldest is not None else found


def counted(wanted: BreakFilter, *, most: int = COUNTED) -> int:
    """How many match, but at most `most` + 1: ten million are never counted for a screen."""
    return breaks(wanted).order_by()[: most + 1].count()


def page(wanted: BreakFilter, *, after: Place | None = None, size: int = PAGE) -> list[Break]:
    """One page with its cases and owners; ask for one more than is shown to know whether it goes on."""
    found = breaks(wanted).select_related("case", "owner")
    if after is not None:
        found = found.filter(TupleGreaterThan(Tuple("occurred_at", "id"), (after.at, after.row_id)))
    return list(found[:size])


@dataclass(frozen=True, slots=True)
class BreakPage:
    """One break with the lines of both books and everything that happened to it, oldest first."""

    found: Break
    ours: list[Entry]
    theirs: list[Entry]
    events: list[BreakEvent]
    healed_by: Entry | None


def break_page(pk: int) -> BreakPage:
    """Raises Break.DoesNotExist."""
    found = Break.objects.select_related("case", "owner", "found_by", "seen_by").get(pk=pk)
    wanted = [*found.ours, *found.theirs, *([found.healed_by] if found.healed_by else [])]
    entries = Entry.objects.select_related("load").in_bulk(wanted)
    return BreakPage(
        found=found,
        ours=_in_time(entries, found.ours),
        theirs=_in_time(entries, found.theirs),
        events=list(found.events.order_by("at", "pk")),
        healed_by=entries.get(found.healed_by) if found.healed_by else None,
    )


def _in_time(entries: dict[int, Entry], ids: Iterable[int]) -> list[Entry]:
    return sorted((entries[pk] for pk in ids if pk in entries), key=lambda entry: (entry.occurred_at, entry.pk))


def open_breaks_in(case_id: int) -> list[int]:
    """The ids of a case's open breaks, the oldest first."""
    found = Break.objects.filter(case=case_id, state=BreakState.OPEN).order_by("occurred_at", "pk")
    return list(found.values_list("pk", flat=True))
