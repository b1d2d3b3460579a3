"""Incidents, read for screens. Never writes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from orders.models import BreakerChange, OperatorAction
from orders.queries.stuck import StuckRow
from orders.queries.stuck.around import stuck_among
from runbooks.catalogue import CATALOGUE, needs_of
from runbooks.incident_states import ENDED, LIVE, AlertState, Severity
from runbooks.models import (
    AlertDelivery,
    CohortOrder,
    CohortSample,
    DeployNote,
    Episode,
    Incident,
    Page,
    PlanEvent,
    ResponseClock,
)

PAGE: Final = 50
STORY: Final = 300  # lines of a timeline
# What went live so long before an incident may have caused it.
DEPLOYED_BEFORE: Final = timedelta(hours=1)
VIEWS: Final[Mapping[str, Q]] = {"live": Q(state__in=LIVE), "ended": Q(state__in=ENDED), "all": Q()}


def find_incident(code: str) -> Incident | None:
    """By what people see; None when there is no such incident."""
    return Incident.objects.filter(code=code).first()


def all_incidents(view: str) -> Iterator[tuple[Incident, int]]:
    """Every one of a view, the newest first, page by page, with how many orders each has pinned."""
    before = None
    while True:
        page = incidents(view, before=before)
        counts = dict(
            CohortOrder.objects.filter(incident__in=page[:PAGE])
            .order_by()
            .values_list("incident")
            .annotate(count=Count("pk"))
        )
        for each in page[:PAGE]:
            yield each, counts.get(each.pk, 0)
        if len(page) <= PAGE:
            return
        before = page[PAGE - 1].pk


def incidents(view: str, *, before: int | None = None) -> Sequence[Incident]:
    """A page, the newest first; one more than a page where there are more. Three queries."""
    running = ResponseClock.objects.filter(dropped_at=None).order_by("due_at")
    found = Incident.objects.filter(VIEWS.get(view, Q())).prefetch_related(Prefetch("clocks", queryset=running))
    found = found.annotate(alerts=Count("episodes", distinct=True))
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-id")[: PAGE + 1])


def view_counts() -> Mapping[str, int]:
    """How many incidents each view has; one query."""
    counts: Mapping[str, int] = Incident.objects.aggregate(
        all=Count("pk"), live=Count("pk", filter=VIEWS["live"]), ended=Count("pk", filter=VIEWS["ended"])
    )
    return counts


def urgent() -> Sequence[Incident]:
    """What every page shows: live ones of P0 and P1, the worst first. One read of a partial index."""
    found = Incident.objects.filter(state__in=LIVE, severity__lte=Severity.P1)
    return list(found.order_by("severity", "-id")[:3])


def live_incidents() -> Sequence[Incident]:
    """Those that are not over, the worst first: what something can be made part of."""
    return list(Incident.objects.filter(state__in=LIVE).order_by("severity", "-id")[:PAGE])


def pinned_by(order_id: int) -> CohortOrder | None:
    """The place of an order in the worst incident that is not over; None where it has none. One query."""
    found = CohortOrder.objects.select_related("incident").filter(order=order_id, incident__state__in=LIVE)
    return found.order_by("incident__severity", "-incident").first()


def clocks_of(incident: Incident) -> Sequence[ResponseClock]:
    """Those that count, by when they are due."""
    return list(incident.clocks.filter(dropped_at=None).order_by("due_at"))


def episodes_of(incident: Incident) -> Sequence[Episode]:
    """Its alerts, those that fire first."""
    found = incident.episodes.select_related("alert").order_by("state", "-id")
    return list(found[:100])


def alert_names(incident: Incident) -> Sequence[str]:
    """What its alerts are called, the worst first, and of these the first."""
    rows = incident.episodes.order_by("alert__severity", "pk")
    return list(dict.fromkeys(rows.values_list("alert__name", flat=True)))


def services_of(incident: Incident) -> set[str]:
    """Its own, and those of its alerts."""
    return {incident.service, *incident.episodes.values_list("alert__service", flat=True)}


def loose_alerts() -> Sequence[Episode]:
    """What fires and belongs to no incident."""
    found = Episode.objects.select_related("alert").filter(state=AlertState.FIRING, incident=None)
    return list(found.order_by("-id")[:PAGE])


def loose_alert(pk: int) -> Episode | None:
    """One of them."""
    found = Episode.objects.select_related("alert").filter(state=AlertState.FIRING, incident=None)
    return found.filter(pk=pk).first()


def quarantined() -> Sequence[AlertDelivery]:
    """Messages that nobody could read, the newest first."""
    return list(AlertDelivery.objects.filter(state="quarantined").defer("raw").order_by("-id")[:PAGE])


def pages_of(incident: Incident) -> Sequence[Page]:
    return list(incident.pages.select_related("message").order_by("-id")[:100])


@dataclass(frozen=True, slots=True)
class Cohort:
    """Whom an incident affects: as pinned, and as it is now. Money in minor units by currency."""

    pinned: int
    paid: int
    money: Mapping[str, int]
    hanging: Sequence[StuckRow]
    hanging_money: Mapping[str, int]
    curve: Sequence[CohortSample]

    @property
    def recovered(self) -> int:
        return self.pinned - len(self.hanging)

    @property
    def share(self) -> float:
        return self.recovered / self.pinned if self.pinned else 1.0


def hanging_of(incident: Incident) -> Sequence[StuckRow]:
    """Those of the cohort that hang now."""
    ids = list(incident.cohort.values_list("order_id", flat=True))
    return stuck_among(ids) if ids else []


def cohort_of(incident: Incident) -> Cohort:
    """Five queries, however many orders."""
    rows = list(CohortOrder.objects.filter(incident=incident).values_list("amount", "currency", "is_paid"))
    money, now_money = Counter[str](), Counter[str]()
    for amount, currency, _paid in rows:
        money[currency] += amount
    hanging = hanging_of(incident)
    for row in hanging:
        now_money[row.currency] += row.amount
    paid = sum(is_paid for *_rest, is_paid in rows)
    return Cohort(len(rows), paid, money, hanging, now_money, _curve(incident))


def _curve(incident: Incident) -> Sequence[CohortSample]:
    """At most some 60 samples over its whole time, the last one always."""
    samples = list(incident.samples.order_by("at"))
    step = max(1, len(samples) // 60)
    return [*samples[:-1:step], *samples[-1:]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline. `kind` and `detail` are words and values; `text` is what a person wrote."""

    at: datetime
    kind: str
    actor: str
    text: str
    detail: Mapping[str, object]


def story(incident: Incident) -> Sequence[Line]:
    """What happened, the newest first: the incident's own events, and what the platform's rows tell of its time:
    breakers, what was put into service, plans and runs made for it, what operators did to its orders. Nothing is
    copied; each fact has one home.
    """
    until = incident.resolved_at or timezone.now()
    lines = [*_own(incident), *_breakers(incident, until), *_deploys(incident, until)]
    lines += [*_plans(incident), *_actions(incident, until)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:STORY]


def _own(incident: Incident) -> list[Line]:
    rows = incident.events.order_by("-id")[:STORY]
    return [Line(row.at, row.kind, row.actor, row.text, row.detail) for row in rows]


def _breakers(incident: Incident, until: datetime) -> list[Line]:
    since = incident.began_at - timedelta(minutes=10)
    rows = BreakerChange.objects.filter(at__gte=since, at__lte=until, upstream__in=_upstreams(incident))
    return [
        Line(row.at, "breaker", row.actor or "policy:breaker", row.reason, {"upstream": row.upstream, "to": row.target})
        for row in rows.order_by("-id")[:STORY]
    ]


def _upstreams(incident: Incident) -> set[str]:
    """The neighbours of its services and of what these need: of an incident about the books Head Office, of one about
    orders everybody. A breaker of somebody else opened at the same time is another story.
    """
    near = {each for name in services_of(incident) if name in CATALOGUE for each in (name, *needs_of(name))}
    return {upstream for name in near for upstream in CATALOGUE[name].neighbours}


def _deploys(incident: Incident, until: datetime) -> list[Line]:
    """Of every service: what broke one is often a new version of another."""
    rows = DeployNote.objects.filter(at__gte=incident.began_at - DEPLOYED_BEFORE, at__lte=until).order_by("-at")
    return [
        Line(row.at, "deploy", row.actor, row.text, {"service": row.service, "version": row.version})
        for row in rows[:STORY]
    ]


def _plans(incident: Incident) -> list[Line]:
    rows = PlanEvent.objects.select_related("plan").filter(plan__for_incident__incident=incident).order_by("-id")
    return [
        Line(row.at, "plan_event", row.actor, row.reason, {"plan": row.plan.code, "verb": row.verb, **row.detail})
        for row in rows[:STORY]
    ]


def _actions(incident: Incident, until: datetime) -> list[Line]:
    """What people did to single orders of the cohort; a run's actions are told by its plan."""
    rows = OperatorAction.objects.select_related("order").filter(
        order__in=CohortOrder.objects.filter(incident=incident).values("order"),
        plan="",
        created_at__gte=incident.began_at,
        created_at__lte=until,
    )
    return [
        Line(
            row.created_at,
            "action",
            row.actor,
            row.reason,
            {"order": row.order.public_id, "name": row.name, "status": row.status},
        )
        for row in rows.order_by("-id")[:100]
    ]


@dataclass(frozen=True, slots=True)
class Record:
    """How quickly incidents of a severity were taken and ended. Spans are medians, None for none."""

    severity: int
    count: int
    acknowledged: timedelta | None
    mitigated: timedelta | None
    resolved: timedelta | None
    clocks: int
    breached: int


def record(*, since: datetime) -> Sequence[Record]:
    """By severity, of incidents opened since then; false alarms are left out. Two queries."""
    rows = list(Incident.objects.filter(opened_at__gte=since).exclude(state="dismissed"))
    clocks = ResponseClock.objects.filter(incident__in=rows, dropped_at=None).values_list("severity", "breached_at")
    counted, late = Counter[int](), Counter[int]()
    for severity, breached_at in clocks:
        counted[severity] += 1
        late[severity] += breached_at is not None
    return [_record([row for row in rows if row.severity == each], each, counted, late) for each in Severity]


def _record(rows: Sequence[Incident], severity: int, counted: Counter[int], late: Counter[int]) -> Record:
    return Record(
        severity,
        len(rows),
        _median([row.acknowledged_at - row.began_at for row in rows if row.acknowledged_at]),
        _median([row.mitigated_at - row.began_at for row in rows if row.mitigated_at]),
        _median([row.resolved_at - row.began_at for row in rows if row.resolved_at]),
        counted[severity],
        late[severity],
    )


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    ordered = sorted(spans)
    return ordered[len(ordered) // 2] if ordered else None
