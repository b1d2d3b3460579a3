"""Whom an incident affects: orders pinned once and followed until none of them hangs.

The list is frozen, with what each order was; whether it still hangs is asked of the stuck list each time.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.queries.stuck import StuckRow, all_stuck
from orders.queries.stuck.around import stuck_among
from orders.queries.stuck.filters import UNPAID
from runbooks.incident_states import LIVE, IncidentState
from runbooks.models import CohortOrder, CohortSample, Incident
from runbooks.queries.incidents import hanging_of, services_of
from runbooks.services.incidents.hurt import hurt_by
from runbooks.transitions import tell_incident

SAMPLE_EVERY: Final = timedelta(seconds=30)
# What had hung for so long when the incident began is not its doing.
BEFORE: Final = timedelta(minutes=30)


def pin_what_hangs(incident: Incident, *, actor: str) -> int:
    """Pin what needs the services that fail and began to hang since shortly before the incident. How many."""
    since = incident.began_at - BEFORE
    rows = [row for batch in all_stuck() for row in batch if row.since + row.limit >= since]
    return pin(incident, hurt_by(services_of(incident), rows), actor=actor)


def pin_orders(incident: Incident, order_ids: Sequence[int], *, actor: str, said: str = "") -> int:
    """Pin those of the orders that hang now; `said` is how they were chosen, in words. How many are new. Raises
    NotAllowed when the incident is over."""
    if incident.state not in LIVE:
        raise NotAllowed(_("The incident is over."))
    return pin(incident, stuck_among(order_ids) if order_ids else [], actor=actor, said=said)


@transaction.atomic
def pin(incident: Incident, rows: Sequence[StuckRow], *, actor: str, said: str = "") -> int:
    """Pin these; those that are pinned already stay as they were."""
    before = incident.cohort.count()
    CohortOrder.objects.bulk_create(
        [_pinned(incident, row, actor) for row in rows], ignore_conflicts=True, batch_size=2500
    )
    new = incident.cohort.count() - before
    if new:
        tell_incident(incident, "pin", actor=actor, text=said, detail={"count": new})
        sample(incident)
    return new


def _pinned(incident: Incident, row: StuckRow, actor: str) -> CohortOrder:
    return CohortOrder(
        incident=incident,
        order_id=row.order_id,
        machine=row.machine,
        state=row.state,
        since=row.since,
        amount=row.amount,
        currency=row.currency,
        is_paid=row.order_state not in UNPAID,
        cause=row.cause[:40],
        pinned_by=actor,
    )


def sample(incident: Incident) -> CohortSample | None:
    """Write down how many still hang; None for an empty cohort."""
    pinned = incident.cohort.count()
    if not pinned:
        return None
    rows, money = hanging_of(incident), Counter[str]()
    for row in rows:
        money[row.currency] += row.amount
    return CohortSample.objects.create(
        incident=incident, pinned=pinned, hanging=len(rows), money=dict(money), at=timezone.now()
    )


def follow() -> int:
    """The ticker: a sample of every cohort that is not over. How many."""
    alive = Incident.objects.filter(state__in=(*LIVE, IncidentState.RESOLVED), cohort__isnull=False).distinct()
    due = [each for each in alive if _is_due(each)]
    for incident in due:
        sample(incident)
    return len(due)


def _is_due(incident: Incident) -> bool:
    last = incident.samples.order_by("-at").first()
    if last is None:
        return True
    ended = incident.state == IncidentState.RESOLVED and last.hanging == 0
    return not ended and timezone.now() - last.at >= SAMPLE_EVERY
