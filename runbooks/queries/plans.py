"""Plans and their runs, read for screens. Never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from runbooks.models import Plan, PlanEvent, PlanRow, ReviewItem, Run
from runbooks.states import ENDED_ROWS, PlanState, RowState, RunState
from runbooks.subjects import SUBJECTS, Known

PAGE: Final = 50
MOST_LOOKED_AT: Final = 1000  # rows of a plan of other things than orders, asked whether they changed
JUST_NOW: Final = timedelta(seconds=30)
VIEWS: Final[Mapping[str, Q]] = {
    "all": Q(),
    "waiting": Q(state=PlanState.AWAITING_APPROVAL),
    "running": Q(run__state__in=(RunState.RUNNING, RunState.PAUSED)),
    "planned": Q(state=PlanState.PLANNED),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run gets on. `ended` of `total` rows, of which `accepted` are done later by others; `per_second` over the
    last half minute; `left` is the time that the rest takes at that pace, None where nobody can say."""

    ended: int
    total: int
    per_second: float
    left: timedelta | None
    accepted: int = 0

    @property
    def share(self) -> float:
        return self.ended / self.total if self.total else 1.0


def find_plan(code: str) -> Plan | None:
    """By what people see; None when there is no such plan."""
    return Plan.objects.select_related("parent", "run", "review").filter(code=code).first()


def plans(view: str, *, before: int | None = None) -> Sequence[Plan]:
    """A page of plans, the newest first; one more than a page where there are more."""
    found = Plan.objects.select_related("run").filter(VIEWS.get(view, Q()))
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-id")[: PAGE + 1])


def view_counts() -> Mapping[str, int]:
    """How many plans each view has; one query."""
    filters = {name: Count("pk", filter=q) for name, q in VIEWS.items() if q}
    counts: Mapping[str, int] = Plan.objects.aggregate(all=Count("pk"), **filters)
    return counts


def row_counts(plan: Plan) -> Mapping[str, int]:
    """Rows by their state, only those that occur."""
    found = plan.rows.order_by().values("state").annotate(count=Count("id"))
    return {each["state"]: each["count"] for each in found}


def counts_of(plans_: Sequence[Plan]) -> Mapping[int, Mapping[str, int]]:
    """Rows by state of several plans, by plan; one query."""
    found: dict[int, dict[str, int]] = {plan.pk: {} for plan in plans_}
    rows = PlanRow.objects.filter(plan__in=found).order_by().values_list("plan_id", "state")
    for plan_id, state, count in rows.annotate(count=Count("id")):
        found[plan_id][state] = count
    return found


def rows(plan: Plan, *, state: str = "", after: int = 0) -> Sequence[PlanRow]:
    """A page of rows in the order in which they were planned; one more than a page where there are more."""
    found = plan.rows.filter(pk__gt=after).select_related("order")
    if state in RowState.values:
        found = found.filter(state=state)
    return list(found.order_by("id")[: PAGE + 1])


def drifted(plan: Plan) -> int:
    """Rows not yet begun whose subject has changed since the plan was made: they would be skipped."""
    waiting: QuerySet[PlanRow] = plan.rows.filter(state=RowState.PLANNED)
    if plan.subject == "order":
        return waiting.exclude(order__version=F("expected_version")).count()
    return len(moved(plan, list(waiting[:MOST_LOOKED_AT])))


def moved(plan: Plan, rows: Sequence[PlanRow]) -> frozenset[int]:
    """Those of the rows, by id, whose subject is not any more as the plan expects it. Orders are read with
    the rows."""
    subject = SUBJECTS.get(plan.subject)
    if plan.subject == "order":
        return frozenset(row.pk for row in rows if row.order is None or row.order.version != row.expected_version)
    if subject is None or not rows:
        return frozenset()
    known = subject.gather([row.key for row in rows])
    return frozenset(row.pk for row in rows if row.key not in known or _has_moved(row, known[row.key]))


def _has_moved(row: PlanRow, known: Known) -> bool:
    return (known.state, known.version) != (row.expected_state, row.expected_version)


def neighbours(plan: Plan) -> Sequence[tuple[str, int]]:
    """Who would be asked, and by how many rows."""
    found = plan.rows.filter(place__isnull=False).exclude(neighbour="").order_by()
    return sorted(found.values_list("neighbour").annotate(count=Count("id")))


def pace_of(run: Run, counts: Mapping[str, int]) -> Pace:
    """One query."""
    now = timezone.now()
    ended = sum(counts.get(state, 0) for state in ENDED_ROWS)
    total = sum(count for state, count in counts.items() if state != RowState.INELIGIBLE)
    lately = run.plan.rows.filter(ended_at__gt=now - JUST_NOW).aggregate(count=Count("id"), last=Max("ended_at"))
    seconds = min(JUST_NOW, max(now - run.started_at, timedelta(seconds=1))).total_seconds()
    per_second = lately["count"] / seconds
    left = timedelta(seconds=round((total - ended) / per_second)) if per_second and ended < total else None
    accepted = counts.get(RowState.ACCEPTED, 0)
    return Pace(ended, total, per_second, left if run.state == RunState.RUNNING else None, accepted)


def events(plan: Plan) -> Sequence[PlanEvent]:
    """What happened to it, the newest first."""
    return list(plan.events.order_by("-id")[:100])


def open_reviews() -> Sequence[ReviewItem]:
    """What ran without its second person and nobody has looked at yet."""
    return list(ReviewItem.objects.select_related("plan").filter(closed_by="").order_by("opened_at")[:50])
