"""How an incident begins: by an alert, or by hand. One live incident for each storm, whoever comes at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from runbooks import correlation
from runbooks.catalogue import CATALOGUE
from runbooks.codes import new_code
from runbooks.correlation import FAILURES, Joined, Kind, Live
from runbooks.incident_states import LIVE, AlertState, IncidentState, IncidentVerb, Severity
from runbooks.models import Episode, Incident
from runbooks.queries.incidents import services_of
from runbooks.services.incidents import clocks, cohort, paging
from runbooks.transitions import change_incident, lock_incident, move_incident, tell_incident

RULE: Final = "policy:incidents"
_LOCK: Final = 0x6F707369  # "opsi": who opens an incident, or joins one, does so alone


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What is known of a new incident. `began_at`: since when it has been wrong, as far as anybody knows; the
    response clocks run from `heard_at`."""

    title: str
    kind: Kind
    by: str
    began_at: datetime
    heard_at: datetime
    told: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


def open_by_hand(*, title: str, service: str, failure: str, severity: int, actor: str, reason: str) -> Incident:
    """Raises NotAllowed without title or reason, for a stranger of a service, or when the same is open already."""
    if service not in CATALOGUE or failure not in FAILURES or severity not in Severity.values:
        raise NotAllowed(_("There is no such service, class of failure or severity."))
    if not title.strip() or not reason.strip():
        raise NotAllowed(_("A title and a reason are needed."))
    now, kind = timezone.now(), Kind(service, failure, Severity(severity))
    with transaction.atomic():
        alone()
        same = Incident.objects.filter(storm=kind.storm, state__in=LIVE).first()
        if same is not None:
            raise NotAllowed(_("%(code)s is open for the same service and failure.") % {"code": same.code})
        detail = {"reason": reason.strip()[:400]}
        return open_new(Opening(title=title.strip(), kind=kind, by=actor, began_at=now, heard_at=now, detail=detail))


def alone() -> None:
    """Until the transaction ends nobody else opens an incident or decides which one an alert joins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def place(episode: Episode, kind: Kind, *, began_at: datetime, heard_at: datetime) -> Incident:
    """The incident of an alert that began to fire: one that it joins by rule, one that comes back, or its own.
    Call in a transaction that is `alone`."""
    now = timezone.now()
    joined = correlation.joins(kind, live_incidents(), now=now)
    if joined is not None:
        return _join(episode, kind, joined)
    back = Incident.objects.filter(
        storm=kind.storm, state=IncidentState.RESOLVED, resolved_at__gt=now - correlation.SAME_AGAIN
    ).first()
    if back is not None:
        _come_back(back, episode)
        return back
    opening = Opening(
        title=_title_of(episode),
        kind=kind,
        by=RULE,
        began_at=began_at,
        heard_at=heard_at,
        told=_told_of(episode),
        detail={"alert": episode.alert.name},
    )
    incident = open_new(opening)
    _attach(episode, incident, why="opened", values={})
    return incident


def _title_of(episode: Episode) -> str:
    return (episode.summary or episode.alert.name)[:160]


def _told_of(episode: Episode) -> dict[str, Any]:
    """What our own detector found, to be said in the reader's language."""
    return {"name": episode.alert.name, "values": episode.values} if episode.is_ours else {}


def live_incidents() -> Sequence[Live]:
    rows = Incident.objects.filter(state__in=LIVE).order_by("severity", "id")
    return [Live(row.pk, row.code, row.service, row.storm, row.severity, row.opened_at) for row in rows[:200]]


def open_new(opening: Opening) -> Incident:
    """A new incident with its clocks, pages and cohort. Call in a transaction that is `alone`."""
    kind = opening.kind
    incident = Incident.objects.create(
        code=new_code("INC", 5),
        title=opening.title[:160],
        told=dict(opening.told),
        severity=kind.severity,
        service=kind.service,
        failure=kind.failure,
        storm=kind.storm,
        opened_by=opening.by,
        began_at=min(opening.began_at, timezone.now()),
    )
    detail = {"severity": int(kind.severity), "service": kind.service, **opening.detail}
    tell_incident(incident, "open", actor=opening.by, detail=detail)
    clocks.start(incident, at=opening.heard_at)
    paging.page(incident, "open")
    cohort.pin_what_hangs(incident, actor=opening.by)
    return incident


def _join(episode: Episode, kind: Kind, joined: Joined) -> Incident:
    incident = lock_incident(Incident(pk=joined.pk))
    is_new = _is_new_to(incident, episode)
    _attach(episode, incident, why=joined.why, values=joined.values)
    _belongs(episode, incident, kind.severity, actor=RULE, is_new=is_new)
    return incident


def _is_new_to(incident: Incident, episode: Episode) -> bool:
    """Whether its cohort has not been looked for yet among the orders that need this alert's service."""
    return episode.alert.service not in services_of(incident)


def attach_by_hand(episode: Episode, incident: Incident, *, actor: str, reason: str) -> None:
    """An alert that a person says belongs here, with all that follows from one that joins by rule. Call with both
    locked, `alone`."""
    is_new = _is_new_to(incident, episode)
    _attach(episode, incident, why="by_hand", values={}, actor=actor, said=reason)
    _belongs(episode, incident, episode.alert.severity, actor=actor, is_new=is_new)


def _belongs(episode: Episode, incident: Incident, severity: int, *, actor: str, is_new: bool) -> None:
    """What follows for an incident from an alert that has joined it."""
    if is_new:
        cohort.pin_what_hangs(incident, actor=actor)
    _made_worse(incident, episode, severity, actor=actor)


def _made_worse(incident: Incident, episode: Episode, severity: int, *, actor: str) -> None:
    """What an alert that fires does to an incident that it joins. One that no person named is called by its worst."""
    if severity < incident.severity:
        raise_severity(incident, severity, actor=actor, why=episode.alert.name)
        cohort.pin_what_hangs(incident, actor=actor)
        if incident.opened_by == RULE:
            Incident.objects.filter(pk=incident.pk).update(title=_title_of(episode), told=_told_of(episode))
    if incident.proposed_end_at:
        change_incident(incident, "fires_again", actor=actor, proposed_end_at=None)


def _attach(
    episode: Episode, incident: Incident, *, why: str, values: Mapping[str, str], actor: str = RULE, said: str = ""
) -> None:
    episode.incident, episode.joined, episode.joined_values = incident, why, dict(values)
    episode.save(update_fields=["incident", "joined", "joined_values"])
    detail = {"alert": episode.alert.name, "service": episode.alert.service, "source": episode.alert.source}
    tell_incident(incident, "alert", actor=actor, text=said, detail={**detail, "why": why, "values": dict(values)})


def _come_back(incident: Incident, episode: Episode) -> None:
    """The same again, minutes after it was resolved: it was not."""
    incident = lock_incident(incident)
    now = timezone.now()
    hand_until = now + correlation.IN_HAND_FOR[incident.severity]
    move_incident(
        incident,
        IncidentVerb.REOPEN,
        actor=RULE,
        detail={"alert": episode.alert.name},
        resolved_at=None,
        proposed_end_at=None,
        hand_until=hand_until,
    )
    _attach(episode, incident, why="came_back", values={})
    paging.page(incident, "reopen")


def raise_severity(incident: Incident, severity: int, *, actor: str, why: str) -> None:
    """Another severity, with its own clocks; a worse one pages again. Call with the incident locked."""
    was = incident.severity
    change_incident(
        incident,
        "severity",
        actor=actor,
        told=why,
        detail={"was": int(was), "now": int(severity)},
        severity=severity,
    )
    clocks.restart(incident)
    if severity < was:
        paging.page(incident, "worse")


def are_alerts_over(incident: Incident) -> bool:
    """Whether it has alerts and none of them fires."""
    states = set(incident.episodes.values_list("state", flat=True))
    return bool(states) and AlertState.FIRING not in states
