"""The engine of runs: one turn of a due run, leased by the caller (`orders.services.work`).

1. Settle: rows whose action has ended get its verified result, and let their order go.
2. When nothing of the wave is left: judge it; pause, go on to the next, or finish.
3. Otherwise release rows of the wave, as many as rate, breaker and hands allow.

Everything is rows: a worker that dies anywhere leaves a run whose lease runs out, and the next turn goes on
from what is written. A row is released together with its operator's action, whose key is made of plan and
place: a second release finds the first (ADR 0080).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from orders.leases import after, finish, hold
from orders.services import locks
from orders.services.switches import stopped_by
from runbooks import policies
from runbooks.digest import digest_now
from runbooks.models import Plan, PlanRow, Run
from runbooks.registry import Action, find
from runbooks.services import awaiting, looking, releasing, settling
from runbooks.services.awaiting import Ended
from runbooks.services.settling import Wave
from runbooks.states import RowState, RunState, RunVerb
from runbooks.transitions import lock_run, move_run, tell

ENGINE: Final = "policy:run"
SOON: Final = 0.05  # seconds until the next turn; what ends rings, and the sweep comes every second
BLOCKED: Final = 2.0  # seconds until a breaker is asked again
WHILE_OPEN: Final = timedelta(seconds=1)


def work(run: Run) -> None:
    """One turn. What is left to do is in `due_at`."""
    plan = Plan.objects.get(pk=run.plan_id)
    run.plan = plan
    if run.looked_at is None and run.state in (RunState.FINISHED, RunState.CANCELLED):
        _after_the_end(run)
        return
    settling.settle(run)
    if run.state != RunState.RUNNING:
        awaiting.look(run)
        _stand_still(run)
        return
    action = find(plan.action)
    if action is None:
        _pause(run, "unknown_action", {"action": plan.action})
        return
    if not _is_stopped(run, action):
        _turn(run, action)


def _turn(run: Run, action: Action) -> None:
    wave = settling.wave_of(run)
    if (wave.is_over or not wave.begun) and digest_now(run.plan) != run.plan.hash:
        _pause(run, "tampered", {})
        return
    if wave.is_over:
        awaiting.look(run, since=timedelta(0))
        late = awaiting.since_judged(run, place=policies.wave_ends(run.wave - 1) or 0)
        _judge(run, settling.wave_of(run), late)
        return
    released = releasing.release(run, action, wave)
    _rest(run, after(BLOCKED if run.waits_for and not released else SOON))


def _is_stopped(run: Run, action: Action) -> bool:
    """A switch stops it: the run is paused, and says whose switch it was."""
    switch = stopped_by(action.switch)
    if switch is None:
        return False
    _pause(run, "stopped_by", {"actor": switch.changed_by, "text": switch.reason})
    return True


def _judge(run: Run, wave: Wave, late: Ended) -> None:
    """The outcome of the orders decides, not that commands were sent. What is only accepted speaks for nothing yet;
    what was, in an earlier wave, and has not come to anything counts here."""
    failed, acted = wave.failed + late.failed, wave.acted + late.ended
    if policies.is_bad(run.wave, failed=failed, acted=acted):
        values = {"wave": run.wave, "bad": failed, "ended": acted}
        _pause(run, "wave_failed", values, next_wave=True)
    elif policies.has_drifted(run.wave, skipped=wave.skipped, ended=wave.ended):
        values = {"wave": run.wave, "skipped": wave.skipped, "ended": wave.ended}
        _pause(run, "wave_drifted", values, next_wave=True)
    else:
        _go_on(run, wave)


@transaction.atomic
def _go_on(run: Run, wave: Wave) -> None:
    hold(run)
    now = lock_run(run)
    if now.state != RunState.RUNNING:
        _rest(run, _next_look(now))
        return
    tell(run.plan, "wave", actor=ENGINE, detail={"wave": run.wave, **wave.as_detail()})
    if wave.has_next:
        _rest(run, timezone.now(), wave=run.wave + 1, waits_for="")
        return
    move_run(now, RunVerb.FINISH, actor=ENGINE, ended_at=timezone.now(), waits_for="")
    _rest(run, _next_look(now))
    locks.let_go(run.plan.code)


@transaction.atomic
def _pause(run: Run, why: str, values: Mapping[str, Any], *, next_wave: bool = False) -> None:
    """Stand still until a person says otherwise. What is under way goes on being settled."""
    hold(run)
    now = lock_run(run)
    if now.state == RunState.RUNNING:
        told = {"why": why, **values}
        kept = {name: str(value) for name, value in values.items()}
        move_run(now, RunVerb.PAUSE, actor=ENGINE, detail=told, paused_for=why, paused_values=kept, waits_for="")
    _rest(run, _next_look(now), **({"wave": run.wave + 1} if next_wave else {}))


@transaction.atomic
def _stand_still(run: Run) -> None:
    """Somebody may say "go on" at this very moment: under lock it is either seen here or comes after."""
    hold(run)
    _rest(run, _next_look(lock_run(run)))


def _after_the_end(run: Run) -> None:
    """Rows still under way are settled; what was accepted is looked at until it has ended, and everything that has
    ended once more, when its time has come."""
    settling.settle(run)
    awaiting.look(run)
    due_at = _next_look(run)
    if due_at is not None and due_at <= timezone.now():
        looking.look_again(run)
        due_at = _later_looks(run)
    if due_at is not None:
        _rest(run, due_at)
        return
    locks.let_go(run.plan.code)
    _rest(run, None, looked_at=timezone.now())


def _later_looks(run: Run) -> datetime | None:
    """After the second look: at what is accepted still, and at what has ended since then. None when that was all."""
    last = looking.unlooked(run).aggregate(last=Max("ended_at"))["last"]
    looks = (awaiting.next_look(run), last + settings.LOOK_AGAIN_AFTER if last else None)
    return min((each for each in looks if each is not None), default=None)


def _next_look(run: Run) -> datetime | None:
    """When a run in this state has to be looked at: while something it released has not ended, every second; while
    something is only accepted, ever less often."""
    now = timezone.now()
    if run.state == RunState.RUNNING:
        return now
    open_ = PlanRow.objects.filter(plan=run.plan_id, state__in=(RowState.RELEASED, RowState.UNKNOWN)).exists()
    soon = now + WHILE_OPEN if open_ else awaiting.next_look(run)
    if run.state == RunState.PAUSED:
        return soon
    again = (run.ended_at or now) + settings.LOOK_AGAIN_AFTER
    return min(again, soon) if soon is not None and again > now else again


def _rest(run: Run, due_at: datetime | None, **changes: Any) -> None:
    """Give the run back. Its turns are no tries."""
    finish(run, due_at=due_at, tries=0, **changes)
