"""What the ticker does for incidents beside their clocks."""

from django.utils import timezone

from orders.services import work
from runbooks.incident_states import LIVE, IncidentState
from runbooks.models import Incident
from runbooks.services.incidents import leading
from runbooks.transitions import tell_incident


def judge_alerts() -> int:
    """Messages of monitoring systems that no worker has taken: judging them needs no Redis. How many."""
    return work.drain("alert", longest=2.0)


def watch() -> int:
    """Acknowledges that nothing followed lapse; updates that are overdue are told, once. How many of both."""
    now = timezone.now()
    lapsed = list(Incident.objects.filter(state=IncidentState.ACKNOWLEDGED, hand_until__lt=now)[:50])
    for incident in lapsed:
        leading.lapse(incident)
    return len(lapsed) + _remind()


def _remind() -> int:
    """Whoever was promised news gets it: the promise is taken back by telling that it was broken."""
    late = Incident.objects.filter(state__in=LIVE, update_due_at__lt=timezone.now())[:50]
    told = 0
    for incident in late:
        due_at = incident.update_due_at
        if Incident.objects.filter(pk=incident.pk, update_due_at=due_at).update(update_due_at=None):
            tell_incident(incident, "update_late", actor="policy:clocks")
            told += 1
    return told
