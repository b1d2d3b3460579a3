"""How the services of the catalogue are now and were lately, from our own rows. Never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Max, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from orders.models import Absence, BreakerChange, Heartbeat
from orders.queries.pulse import outbox_oldest
from orders.resilience import breaker
from reconciliation import business_day
from runbooks.catalogue import CATALOGUE, Service
from runbooks.incident_states import LIVE, AlertState
from runbooks.models import Episode, Incident

NEIGHBOUR: Final = "neighbour:"  # how the ticker names what it saw of a neighbour
STALE: Final = timedelta(minutes=2)
OUTBOX_OLD: Final = timedelta(seconds=30)
HISTORY: Final = timedelta(days=90)
DOWN_ALERT: Final = "ServiceDown"
OPENED: Final = ("open", "forced_open")
# What the programme set out to reach, in per cent (domain, section 2).
BREAKERS_WANTED: Final = 100
FALLBACKS_WANTED: Final = 80
BEGAN_WITH: Final[Mapping[str, int]] = {"breakers": 0, "fallbacks": 40}


class Health(StrEnum):
    WELL = "well"
    TROUBLE = "trouble"  # a breaker is open, an alert fires
    DOWN = "down"
    UNKNOWN = "unknown"  # nobody looks at it from here


@dataclass(frozen=True, slots=True)
class Seen:
    """How one service is. `why` is a word for what shows it: away, breaker, alert, incident, or ""."""

    health: Health
    why: str = ""
    since: datetime | None = None
    incident: str = ""


def health() -> Mapping[str, Seen]:
    """Of every service, in a fixed number of queries."""
    away, states = _away(), breaker.states()
    open_ = {name for name, state in states.items() if state.is_open}
    redis_known = all(state.is_known for state in states.values())
    firing = dict(
        Episode.objects.filter(state=AlertState.FIRING, incident__state__in=LIVE).values_list(
            "alert__service", "starts_at"
        )
    )
    codes = dict(Incident.objects.filter(state__in=LIVE).order_by("-severity").values_list("service", "code"))
    own = {"postgresql": Seen(Health.WELL), "redis": _redis(known=redis_known), "rabbitmq": _broker()}
    return {
        name: _worst(own.get(name) or _neighbour(service, away, open_), firing.get(name), codes.get(name, ""))
        for name, service in CATALOGUE.items()
    }


def _away() -> Mapping[str, datetime]:
    fresh = timezone.now() - STALE
    rows = Heartbeat.objects.filter(name__startswith=NEIGHBOUR, at__gte=fresh)
    return {row.name.removeprefix(NEIGHBOUR): row.at for row in rows if row.detail.get("ok") is False}


def _neighbour(service: Service, away: Mapping[str, datetime], open_: set[str]) -> Seen:
    names = service.neighbours
    if not names:
        return Seen(Health.WELL if service.name == "orders" else Health.UNKNOWN)
    gone = [name for name in names if name in away]
    shut = [name for name in names if name in open_]
    if len(gone) == len(names):
        return Seen(Health.DOWN, "away")
    if gone or shut:
        return Seen(Health.TROUBLE, "away" if gone else "breaker")
    return Seen(Health.WELL)


def _redis(*, known: bool) -> Seen:
    return Seen(Health.WELL) if known else Seen(Health.DOWN, "away")


def _broker() -> Seen:
    """By what waits for it: events that are not published."""
    oldest = outbox_oldest()
    late = oldest is not None and timezone.now() - oldest > OUTBOX_OLD
    return Seen(Health.TROUBLE, "outbox", oldest) if late else Seen(Health.WELL)


def _worst(seen: Seen, firing: datetime | None, code: str) -> Seen:
    if code:
        health = Health.DOWN if seen.health == Health.DOWN else Health.TROUBLE
        return Seen(health, "incident", firing or seen.since, code)
    if firing and seen.health != Health.DOWN:
        return Seen(Health.TROUBLE, "alert", firing)
    return seen


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the programme is, in per cent: as it began, now as computed, and as wanted."""

    name: str
    began: int
    now: int
    wanted: int

    @property
    def is_reached(self) -> bool:
        return self.now >= self.wanted


def progress() -> Sequence[Progress]:
    """Computed from what the settings and the catalogue say at this moment."""
    critical = [each for each in CATALOGUE.values() if each.severity != "medium" and each.neighbours]
    guarded = sum(all(breaker.policy_of(name) for name in each.neighbours) for each in critical)
    held = sum(each.has_fallback for each in CATALOGUE.values())
    return [
        Progress("breakers", BEGAN_WITH["breakers"], _share(guarded, len(critical)), BREAKERS_WANTED),
        Progress("fallbacks", BEGAN_WITH["fallbacks"], _share(held, len(CATALOGUE)), FALLBACKS_WANTED),
    ]


def _share(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


@dataclass(frozen=True, slots=True)
class Outages:
    """What was measured of one service within the history: how often it was down, and how long at worst and at the
    median, None for never."""

    count: int = 0
    median: timedelta | None = None
    longest: timedelta | None = None


def outages(*, since: datetime | None = None) -> Mapping[str, Outages]:
    """By service, of times that are over: when our detector saw it away."""
    since = since or timezone.now() - HISTORY
    over = Episode.objects.filter(alert__name=DOWN_ALERT, state=AlertState.RESOLVED, starts_at__gte=since)
    lasted = ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField())
    found = over.exclude(ends_at=None).order_by().annotate(lasted=lasted).values("alert__service")
    rows = found.annotate(count=Count("pk"), median=_Median("lasted"), longest=Max("lasted"))
    return {row["alert__service"]: Outages(row["count"], row["median"], row["longest"]) for row in rows}


def absences(*, since: datetime | None = None) -> Mapping[str, Outages]:
    """By process of our own: how often it was gone and came back, by its signs of life."""
    lasted = ExpressionWrapper(F("until") - F("since"), output_field=DurationField())
    found = Absence.objects.filter(until__gte=since or timezone.now() - HISTORY).order_by().annotate(lasted=lasted)
    rows = found.values("process").annotate(count=Count("pk"), median=_Median("lasted"), longest=Max("lasted"))
    return {row["process"]: Outages(row["count"], row["median"], row["longest"]) for row in rows}


class _Median(Aggregate):
    """The middle one; of two the shorter. PostgreSQL's own."""

    function = "percentile_disc"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def differs(service: Service) -> Sequence[str]:
    """What the catalogue says of time limits, tries and breakers and is not so in the settings, by neighbour."""
    said, found = service.protection, []
    for name in service.neighbours:
        real = settings.UPSTREAMS.get(name)
        if real is None:
            found.append(f"{name}: ?")
            continue
        if said.timeout is not None and float(said.timeout) != real["timeout"]:
            found.append(f"{name}: {real['timeout']:g} s")
        if said.tries is not None and said.tries != real["tries"]:
            found.append(f"{name}: {real['tries']}x")
        if said.breaker is not None and said.breaker != (breaker.policy_of(name) is not None):
            found.append(f"{name}: breaker")
    return found


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a service's history: how often its breakers opened, and its alerts."""

    opened: int
    alerts: int


def history(*, days: int = 30) -> Mapping[str, Sequence[Day]]:
    """By service, the oldest day first; days are those of WIB, today is the last. Two queries that bring one row a
    day and neighbour or service, however much happened."""
    today = business_day.of(timezone.now())
    since = business_day.begins(today - timedelta(days=days - 1))
    opened = _by_day(BreakerChange.objects.filter(at__gte=since, target__in=OPENED), "upstream", "at")
    fired = _by_day(Episode.objects.filter(starts_at__gte=since), "alert__service", "starts_at")
    shown = [today - timedelta(days=ago) for ago in range(days - 1, -1, -1)]
    return {
        name: [
            Day(sum(opened.get((each, day), 0) for each in service.neighbours), fired.get((name, day), 0))
            for day in shown
        ]
        for name, service in CATALOGUE.items()
    }


def _by_day(rows: QuerySet[Any], name: str, at: str) -> Mapping[tuple[str, date], int]:
    """How many of each name on each day, counted by the database."""
    counted = rows.order_by().annotate(day=TruncDate(at, tzinfo=business_day.ZONE)).values_list(name, "day")
    return {(each, day): count for each, day, count in counted.annotate(count=Count("pk"))}


def incidents_of(*, since: datetime) -> Mapping[str, int]:
    """How many incidents each service had; false alarms left out."""
    rows = Incident.objects.filter(opened_at__gte=since).exclude(state="dismissed").order_by()
    return dict(rows.values_list("service").annotate(count=Count("pk")))
