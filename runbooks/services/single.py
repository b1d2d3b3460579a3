"""Plans of one: a person does one thing to one subject, by the same mechanism and with the same record as a run."""

from collections.abc import Mapping
from typing import Any

from orders.errors import NotAllowed
from runbooks import reasons
from runbooks.models import Plan
from runbooks.services import approving
from runbooks.services.approving import Go
from runbooks.services.planning import Ask, make_plan
from runbooks.states import Risk


def do(action: str, key: str, *, actor: str, reason: str, params: Mapping[str, Any] | None = None) -> Plan:
    """Plan it for one subject and start it, or ask for a second person where its risk wants one.

    Raises NotAllowed, with the reason of the preview where the subject may not be acted on.
    """
    ask = Ask(action=action, proposer=actor, kind=Plan.Kind.SELECTION, params=params or {})
    plan = make_plan([key], ask)
    row = plan.rows.first()
    if row is None or row.why:
        raise NotAllowed(reasons.words(row.why, row.why_values) if row else reasons.words("is_gone", {}))
    go = Go(actor=actor, hash=plan.hash, reason=reason)
    if plan.risk == Risk.SECOND_PERSON:
        approving.propose(plan, go)
    else:
        approving.start(plan, go)
    return plan
