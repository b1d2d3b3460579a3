"""What is done about breaks: decided by a person, or repaired upstream. Called by the actions of `runbooks`.

A repair upstream closes no break: that is done by the run that reads what came of it. A decision closes it, and is
overtaken when the books agree after all (`engine/heal_resolved.sql`).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.clients import ho
from orders.errors import NotAllowed
from orders.resilience import Answered, Outcome, Refused
from reconciliation.models import Break, BreakEvent, Case
from reconciliation.states import BreakState, BreakVerb, Resolution


@transaction.atomic
def resolve(pk: int, resolution: Resolution, *, actor: str, reason: str, approver: str = "", code: str = "") -> None:
    """Close an open break by a decision. Raises NotAllowed where it is not open any more."""
    closed = {"state": BreakState.RESOLVED, "resolution": resolution, "closed_at": timezone.now()}
    _move(pk, BreakState.OPEN, closed)
    detail = {"resolution": str(resolution), "code": code, "approver": approver}
    _tell(pk, BreakVerb.RESOLVE, actor=actor, reason=reason, detail=detail)


@transaction.atomic
def reopen(pk: int, *, actor: str, reason: str) -> None:
    """Take a decision back. Raises NotAllowed where none stands."""
    _move(pk, BreakState.RESOLVED, {"state": BreakState.OPEN, "resolution": "", "closed_at": None})
    _tell(pk, BreakVerb.REOPEN, actor=actor, reason=reason, detail={})


def reverse_at_ho(entry_ids: Sequence[str], *, key: str) -> str:
    """Have Head Office take entries back. "" when it has; otherwise what it said of the first that it has not.

    Safe to repeat: Head Office reverses an entry once. No transaction may be open.
    """
    return first_said(refusal_of(each, ho.reverse_entry(each, idempotency_key=f"{key}:{each}")) for each in entry_ids)


def first_said(said: Iterable[str]) -> str:
    """The first sentence that is one; what comes after it is not even tried. "" where there is none."""
    return next(filter(None, said), "")


def refusal_of(name: str, outcome: Outcome[Any]) -> str:
    """What Head Office said of an entry that it has not done; "" where it has."""
    if isinstance(outcome, Answered):
        return ""
    if isinstance(outcome, Refused):
        return f"{name}: {outcome.code} {outcome.message}".strip()
    return _("%(entry)s: Head Office did not answer (%(why)s); nobody knows yet.") % {
        "entry": name,
        "why": outcome.reason,
    }


def _move(pk: int, state: BreakState, changes: dict[str, Any]) -> None:
    if not Break.objects.filter(pk=pk, state=state).update(**changes):
        raise NotAllowed(_("The break has moved on: nothing was done."))
    _follow(pk)


def _follow(pk: int) -> None:
    """Its case follows at once, by the difference: a run counts anew. Whoever watches cases would else see money that
    somebody has decided about as open until the next run.
    """
    found = Break.objects.values("case_id", "exposure", "state").get(pk=pk)
    more = 1 if found["state"] == BreakState.OPEN else -1
    case = Case.objects.filter(pk=found["case_id"])
    case.update(
        count=Greatest(F("count") + more, 0),
        money=Greatest(F("money") + more * found["exposure"], Decimal(0)),
        is_open=GreaterThan(F("count") + more, 0),
    )


def _tell(pk: int, verb: BreakVerb, *, actor: str, reason: str, detail: dict[str, Any]) -> None:
    BreakEvent.objects.create(of_id=pk, verb=verb, actor=actor, reason=reason[:400], detail=detail)
