"""From the results of actions to the results of rows, and what a wave adds up to."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from orders.leases import hold
from orders.models import OperatorAction
from runbooks import policies
from runbooks.models import Plan, PlanRow, Run
from runbooks.registry import find
from runbooks.services import letting_go
from runbooks.states import RowState

Status = OperatorAction.Status
_UNDER_WAY = (RowState.RELEASED, RowState.UNKNOWN)

# What a worker refused at the last moment did nothing: the order had changed, or a rule said no.
_SETTLE = """
UPDATE runbooks_planrow r SET
    state = CASE WHEN a.status IN ('fixed', 'accepted') THEN a.status WHEN a.status = 'refused' THEN 'skipped'
        ELSE 'not_fixed' END,
    why = CASE WHEN a.status = 'refused' THEN 'refused' ELSE '' END,
    why_values = CASE WHEN a.status = 'refused' THEN jsonb_build_object('text', a.outcome) ELSE '{{}}'::jsonb END,
    said = a.outcome, ended_at = a.finished_at
FROM {done} a
WHERE a.id = r.{by} AND r.plan_id = %s AND r.state = ANY(%s) AND a.status = ANY(%s)
RETURNING r.id
"""


@dataclass(frozen=True, slots=True)
class Wave:
    """Rows of a run's present wave, as they stand. `last` is its last place, None for the rest."""

    last: int | None
    waiting: int
    under_way: int
    fixed: int
    accepted: int
    failed: int
    skipped: int
    has_next: bool

    @property
    def is_over(self) -> bool:
        return not self.waiting and not self.under_way

    @property
    def begun(self) -> bool:
        return bool(self.under_way or self.acted)

    @property
    def acted(self) -> int:
        return self.fixed + self.accepted + self.failed

    @property
    def ended(self) -> int:
        return self.acted + self.skipped

    def as_detail(self) -> dict[str, int]:
        return {"fixed": self.fixed, "accepted": self.accepted, "failed": self.failed, "skipped": self.skipped}


def settle(run: Run) -> int:
    """Give rows the results of their actions, and let their orders go. How many."""
    done = [Status.FIXED, Status.ACCEPTED, Status.NOT_FIXED, Status.REFUSED, Status.UNKNOWN]
    with transaction.atomic(), connection.cursor() as cursor:
        hold(run)
        states = [str(state) for state in _UNDER_WAY]
        cursor.execute(_settle_of(run.plan), [run.plan_id, states, [str(status) for status in done]])
        ids = [row_id for (row_id,) in cursor.fetchall()]
        if ids:
            letting_go.let_go(run.plan, PlanRow.objects.filter(pk__in=ids).only("order_id", "resource"))
        _overdue(run)
    return len(ids)


def _settle_of(plan: Plan) -> str:
    """Rows are carried out by operators' actions, or by deeds; all rows of a plan alike."""
    action = find(plan.action)
    if action is not None and action.perform is not None:
        return _SETTLE.format(done="runbooks_deed", by="deed_id")
    return _SETTLE.format(done="orders_operatoraction", by="action_id")


def _overdue(run: Run) -> None:
    """What has not ended in time is not known: it still counts, and may yet end."""
    action = find(run.plan.action)
    if action is None:
        return
    seconds = int(action.timeout.total_seconds())
    late = PlanRow.objects.filter(
        plan=run.plan_id, state=RowState.RELEASED, released_at__lt=timezone.now() - action.timeout
    )
    late.update(state=RowState.UNKNOWN, why="overdue", why_values={"seconds": seconds})


def wave_of(run: Run) -> Wave:
    """One query."""
    first, last = policies.wave_ends(run.wave - 1) or 0, policies.wave_ends(run.wave)
    inside = Q(place__gt=first) & (Q() if last is None else Q(place__lte=last))
    of = {
        "waiting": (RowState.PLANNED,),
        "under_way": (RowState.RELEASED,),
        "fixed": (RowState.FIXED,),
        "accepted": (RowState.ACCEPTED,),
        "failed": (RowState.NOT_FIXED, RowState.UNKNOWN),
        "skipped": (RowState.SKIPPED,),
    }
    counts = {name: Count("id", filter=inside & Q(state__in=states)) for name, states in of.items()}
    later = Count("id", filter=Q(place__gt=last, state=RowState.PLANNED) if last is not None else Q(pk=None))
    found = PlanRow.objects.filter(plan=run.plan_id, place__gt=first).aggregate(**counts, later=later)
    return Wave(last=last, has_next=found.pop("later") > 0, **found)
