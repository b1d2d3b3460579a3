"""What people do to a run: pause it, let it go on, stop it for good."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.bells import ring
from orders.errors import NotAllowed
from orders.services import actions
from orders.services.switches import why_stopped
from runbooks.digest import digest_now
from runbooks.models import PlanRow, Run
from runbooks.registry import find
from runbooks.services import deeds, letting_go
from runbooks.states import RowState, RunVerb
from runbooks.transitions import lock_run, move_run


def pause(run: Run, *, actor: str, reason: str) -> None:
    """No further row begins; those under way end. Raises NotAllowed without a reason."""
    _needs(reason)
    with transaction.atomic():
        run = lock_run(run)
        values = {"actor": actor, "text": reason.strip()[:300]}
        move_run(run, RunVerb.PAUSE, actor=actor, told=reason, paused_for="by_hand", paused_values=values)


def resume(run: Run, *, actor: str, reason: str) -> None:
    """Go on. Raises NotAllowed while a switch stops the action, or when the rows are not the approved ones."""
    _needs(reason)
    with transaction.atomic():
        run = lock_run(run)
        action = find(run.plan.action)
        problem = why_stopped(action.switch) if action else _("There is no such action.")
        if problem:
            raise NotAllowed(problem)
        if digest_now(run.plan) != run.plan.hash:
            raise NotAllowed(_("The rows are not those that were approved."))
        now = timezone.now()
        move_run(run, RunVerb.RESUME, actor=actor, told=reason, paused_for="", paused_values={}, due_at=now)
        ring("run")


def cancel(run: Run, *, actor: str, reason: str) -> None:
    """Nothing further begins, for good. What no worker has taken is taken back; what is under way ends."""
    _needs(reason)
    with transaction.atomic():
        run = lock_run(run)
        now = timezone.now()
        move_run(run, RunVerb.CANCEL, actor=actor, told=reason, ended_at=now, due_at=now, paused_for="", waits_for="")
        left = PlanRow.objects.filter(plan=run.plan_id, state=RowState.PLANNED)
        rows = list(left.only("order_id", "resource"))
        left.update(state=RowState.NOT_RUN, why="cancelled", ended_at=now)
        letting_go.let_go(run.plan, rows)
        ring("run")
    actions.withdraw(run.plan.code, actor=actor)
    deeds.withdraw(run.plan.code)


def _needs(reason: str) -> None:
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
