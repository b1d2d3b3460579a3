"""Letting rows of a wave go: one by one, each with its operator's action, in a transaction of its own."""

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone, translation

from orders.errors import LostLease, NotAllowed, Refusal, StaleState
from orders.leases import hold
from orders.models import OperatorAction
from orders.services import actions
from orders.services.actions import Blocked, Wish
from orders.services.switches import why_stopped
from runbooks import reasons
from runbooks.models import Deed, Plan, PlanRow, Run
from runbooks.registry import Action
from runbooks.services import deeds, letting_go, pressure
from runbooks.services.settling import Wave
from runbooks.services.snapshot import ancestors
from runbooks.states import RowState, RunState

HANDS: Final = 24  # rows of one run under way at a time
AT_A_TURN: Final = 16  # rows a turn, so that a turn stays well inside its lease


def release(run: Run, action: Action, wave: Wave) -> int:
    """Let as many rows go as may be let go now. How many. Says on the run what it waits for."""
    room = min(HANDS - wave.under_way, AT_A_TURN)
    rows = _next_rows(run, wave, limit=room) if wave.waiting and room > 0 else []
    allowed, waits_for = pressure.admit(run, action, rows)
    released = 0
    for row in allowed:
        if not _release(run, action, row):
            break
        released += 1
    pressure.note(run, action, released=released, waits_for=waits_for)
    return released


def _next_rows(run: Run, wave: Wave, *, limit: int) -> Sequence[PlanRow]:
    rows = PlanRow.objects.filter(plan=run.plan_id, state=RowState.PLANNED).select_related("order")
    if wave.last is not None:
        rows = rows.filter(place__lte=wave.last)
    return list(rows.order_by("place")[:limit])


@transaction.atomic
def _release(run: Run, action: Action, row: PlanRow) -> bool:
    """False when the run must not go on: paused, stopped by a switch, or somebody else's now."""
    hold(run)
    state = Run.objects.values_list("state", flat=True).get(pk=run.pk)
    if state != RunState.RUNNING or why_stopped(action.switch):
        return False
    try:
        with translation.override("en"):
            made = _request(run, action, row)
    except LostLease:
        raise
    except StaleState as moved:
        _skip(run, row, "drifted", {"was": row.expected_state, "now": _now(row, moved)})
    except Blocked as blocked:
        _skip(run, row, blocked.by.why, {name: str(value) for name, value in blocked.by.values.items()})
    except Refusal as refusal:
        _skip(run, row, "refused", {"text": str(refusal)})
    else:
        _is_released(row, made)
    return True


def _request(run: Run, action: Action, row: PlanRow) -> OperatorAction | Deed:
    if action.perform is not None:
        return deeds.request(_wanted(run, action, row))
    if row.order is None:
        raise NotAllowed(reasons.words("is_gone", {}))
    return actions.request(row.order, _wish(run, action, row))


def _wanted(run: Run, action: Action, row: PlanRow) -> deeds.Wanted:
    plan = run.plan
    return deeds.Wanted(
        action=action,
        resource=row.resource,
        plan=plan.code,
        place=row.place or 0,
        actor=plan.proposer,
        approver=_approver(plan),
        reason=plan.reason or f"plan {plan.code}",
        expected_state=row.expected_state,
        expected_version=row.expected_version,
        params={**plan.params, **row.params},
        repeats=ancestors(plan.parent),
    )


def _approver(plan: Plan) -> str:
    return "policy:break-glass" if plan.is_glass_broken else plan.approver


def _wish(run: Run, action: Action, row: PlanRow) -> Wish:
    plan = run.plan
    return Wish(
        name=action.verb,
        actor=plan.proposer,
        reason=plan.reason or f"plan {plan.code}",
        expected_version=row.expected_version,
        key=f"{plan.code}:{row.place}",
        params={**plan.params, **row.params},
        plan=plan.code,
        approver=_approver(plan),
        repeats=ancestors(plan.parent),
    )


def _now(row: PlanRow, moved: StaleState) -> str:
    """The state it is in now; the refusal itself only knows versions."""
    known = deeds.now(row.resource)
    return known.state if known else moved.found


def _is_released(row: PlanRow, made: OperatorAction | Deed) -> None:
    by = {"deed": made} if isinstance(made, Deed) else {"action": made}
    PlanRow.objects.filter(pk=row.pk).update(state=RowState.RELEASED, released_at=timezone.now(), **by)


def _skip(run: Run, row: PlanRow, why: str, values: dict[str, str]) -> None:
    ended = {"state": RowState.SKIPPED, "why": why, "why_values": values, "ended_at": timezone.now()}
    PlanRow.objects.filter(pk=row.pk, state=RowState.PLANNED).update(**ended)
    letting_go.let_go(run.plan, [row])
