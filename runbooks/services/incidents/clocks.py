"""Response clocks: rows that the ticker looks at every second (domain, section 7).

What has to have happened by when is a row, so a restart forgets nothing. A breach is an event of its own; a breached
clock can still be stopped, late.
"""

from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from runbooks.correlation import CLOCKS
from runbooks.models import Incident, ResponseClock
from runbooks.services.incidents import paging
from runbooks.transitions import tell_incident

TICKER: Final = "policy:clocks"


def start(incident: Incident, *, at: datetime) -> None:
    """The clocks of its severity, running from `at`; one that ran to its end before stays as it is."""
    done = set(incident.clocks.filter(dropped_at=None).values_list("kind", flat=True))
    rules = [rule for rule in CLOCKS[incident.severity] if rule.kind not in done]
    ResponseClock.objects.bulk_create(
        ResponseClock(
            incident=incident,
            kind=rule.kind,
            severity=incident.severity,
            started_at=at,
            due_at=at + rule.within,
        )
        for rule in rules
    )


def restart(incident: Incident) -> None:
    """After a change of severity: what still ran is dropped, and the new clocks run from now on."""
    now = timezone.now()
    incident.clocks.filter(stopped_at=None, dropped_at=None).update(dropped_at=now)
    start(incident, at=now)


def stop(incident: Incident, kind: str, *, by: str, evidence: str = "") -> bool:
    """It has happened. False where no such clock runs."""
    running = incident.clocks.filter(kind=kind, stopped_at=None, dropped_at=None)
    values = {"stopped_at": timezone.now(), "stopped_by": by, "evidence": evidence.strip()[:400]}
    if not running.update(**values):
        return False
    tell_incident(incident, "clock_stopped", actor=by, text=evidence, detail={"clock": kind})
    return True


def drop_all(incident: Incident) -> None:
    """It is over: nothing is due any more."""
    incident.clocks.filter(stopped_at=None, dropped_at=None).update(dropped_at=timezone.now())


# Nobody else's clock: a second ticker finds nothing left to breach.
_BREACH: Final = """
UPDATE runbooks_responseclock SET breached_at = clock_timestamp()
WHERE id IN (SELECT id FROM runbooks_responseclock
             WHERE due_at < clock_timestamp() AND stopped_at IS NULL AND breached_at IS NULL AND dropped_at IS NULL
             ORDER BY due_at FOR NO KEY UPDATE SKIP LOCKED LIMIT 200)
RETURNING id
"""


@transaction.atomic
def tick() -> int:
    """Breach what is overdue; nobody having taken a P0 or P1 in time pages again. How many."""
    with connection.cursor() as cursor:
        cursor.execute(_BREACH)
        ids = [pk for (pk,) in cursor.fetchall()]
    for clock in ResponseClock.objects.select_related("incident").filter(pk__in=ids).order_by("due_at"):
        tell_incident(clock.incident, "clock_breached", actor=TICKER, detail={"clock": clock.kind})
        if clock.kind == "acknowledge":
            paging.page(clock.incident, "unheard")
    return len(ids)
