"""Alerts of monitoring systems: stored as they came, then judged one by one (never by group).

What cannot be understood is kept with the reason. What is over proposes the end of an incident; only a P2 ends by
itself, and only when nothing speaks against it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from orders.bells import ring
from orders.errors import NotAllowed
from orders.leases import finish, hold
from runbooks import correlation
from runbooks.detected import OWN
from runbooks.hearing import SOURCES, Deployed, Heard, Message, Strange
from runbooks.incident_states import LIVE, AlertState, DeliveryState, IncidentState, Severity
from runbooks.models import Alert, AlertDelivery, Episode, Incident
from runbooks.services import deploys
from runbooks.services.incidents import leading, opening
from runbooks.services.incidents.leading import By
from runbooks.transitions import change_incident, lock_incident, tell_incident

RULE: Final = opening.RULE
KEPT_HEADERS: Final = ("User-Agent", "X-Webhook-Id", "X-Webhook-Subscription", "Content-Type")

_STORE: Final = """
INSERT INTO runbooks_alertdelivery
    (source, digest, raw, headers, state, why, alerts, received_at, last_received_at, deliveries, due_at, token, tries,
     last_error)
VALUES (%s, %s, %s, %s, 'stored', '', 0, clock_timestamp(), clock_timestamp(), 1, clock_timestamp(), 0, 0, '')
ON CONFLICT (source, digest) DO UPDATE SET
    deliveries = runbooks_alertdelivery.deliveries + 1, last_received_at = clock_timestamp(),
    due_at = clock_timestamp(), state = 'stored'
"""


class Overloaded(Exception):
    """So much waits to be judged that no more is taken now."""


def store(source: str, raw: bytes, headers: Mapping[str, str]) -> None:
    """One statement. Raises Overloaded, or DatabaseError when it cannot be stored."""
    if _waiting() >= settings.ALERTS_MOST_WAITING:
        raise Overloaded
    kept = {name: headers[name][:200] for name in KEPT_HEADERS if headers.get(name)}
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [source, hashlib.sha256(raw).digest(), raw, json.dumps(kept)])
    ring("alert")


def _waiting() -> int:
    """As far as it matters, off a partial index."""
    most = settings.ALERTS_MOST_WAITING
    return len(AlertDelivery.objects.filter(due_at__isnull=False).values_list("pk")[:most])


def work(delivery: AlertDelivery) -> None:
    """One look at a message, leased by the caller."""
    try:
        said = SOURCES[delivery.source].read(bytes(delivery.raw))
    except Strange as problem:
        why = str(problem)[:200]
        finish(delivery, due_at=None, state=DeliveryState.QUARANTINED, why=why)
        return
    with transaction.atomic():
        hold(delivery)
        count = _take_in(delivery.source, said)
        finish(delivery, due_at=None, state=DeliveryState.JUDGED, why="", alerts=count)


def _take_in(source: str, said: Message | Deployed) -> int:
    """How many alerts it told."""
    if isinstance(said, Deployed):
        deploys.keep(said)
        return 0
    opening.alone()
    judge(source, said)
    return len(said.alerts)


def judge(source: str, message: Message) -> None:
    """Every alert of a message. Call in a transaction that is `opening.alone`."""
    touched = {
        incident.pk: incident for each in message.alerts if (incident := _judge(source, each, message)) is not None
    }
    for incident in touched.values():
        if not message.is_cut:
            _propose_end(incident)


def _judge(source: str, heard: Heard, message: Message) -> Incident | None:
    """The incident whose alerts changed, if any."""
    if heard.ours:
        _echo(heard)
        return None
    if correlation.is_heartbeat(heard.name):
        return None
    kind = correlation.kind_of(heard.name, heard.labels)
    alert, _is_new = Alert.objects.update_or_create(
        source=source,
        receiver=heard.receiver,
        fingerprint=heard.fingerprint,
        defaults={
            "name": heard.name,
            "service": kind.service,
            "failure": kind.failure,
            "severity": kind.severity,
            "labels": dict(heard.labels),
        },
    )
    episode, is_new = Episode.objects.get_or_create(
        alert=alert, starts_at=heard.starts_at, defaults=_episode_values(heard, message)
    )
    if not is_new and not _follow(episode, heard, message):
        return None
    _acknowledged_elsewhere(episode, heard)
    if heard.is_firing and episode.incident_id is None and kind.opens:
        _end_older(episode)
        heard_at = max(heard.starts_at, episode.heard_at) if source == OWN else min(heard.starts_at, timezone.now())
        return opening.place(episode, kind, began_at=heard.starts_at, heard_at=heard_at)
    return episode.incident


def _episode_values(heard: Heard, message: Message) -> dict[str, object]:
    return {
        "told_at": message.told_at,
        "ends_at": _end_of(heard),
        "state": AlertState.FIRING if heard.is_firing else AlertState.RESOLVED,
        "summary": heard.summary,
        "url": heard.url,
        "values": dict(heard.values),
    }


def _end_of(heard: Heard) -> datetime | None:
    return None if heard.is_firing else heard.ends_at or timezone.now()


def _follow(episode: Episode, heard: Heard, message: Message) -> bool:
    """Take in what is newer than what we know; False for late news, and for a repetition."""
    Episode.objects.filter(pk=episode.pk).update(last_heard_at=timezone.now())
    told_at = message.told_at
    if told_at and episode.told_at and told_at <= episode.told_at:
        return False
    is_back = episode.state == AlertState.RESOLVED and heard.is_firing
    if is_back and (told_at is None or episode.ends_at is None or told_at <= episode.ends_at):
        return False  # delivered late: it was told before it was over
    state = AlertState.FIRING if heard.is_firing else AlertState.RESOLVED
    changed = state != episode.state
    episode.state, episode.ends_at = state, _end_of(heard)
    episode.told_at = told_at or episode.told_at
    episode.save(update_fields=["state", "ends_at", "told_at"])
    if changed and episode.incident is not None:
        _tell_change(episode)
    return changed or bool(heard.acknowledged_by)


def _tell_change(episode: Episode) -> None:
    incident = episode.incident
    if incident is None:
        return
    kind = "alert_over" if episode.state == AlertState.RESOLVED else "alert_again"
    detail = {"alert": episode.alert.name, "service": episode.alert.service, "source": episode.alert.source}
    tell_incident(incident, kind, actor=RULE, detail=detail)


def _end_older(episode: Episode) -> None:
    """A new beginning: an episode of the same alert whose end nobody told is over."""
    older = Episode.objects.filter(alert=episode.alert_id, state=AlertState.FIRING, starts_at__lt=episode.starts_at)
    older.update(state=AlertState.RESOLVED, ends_at=episode.starts_at)


def _acknowledged_elsewhere(episode: Episode, heard: Heard) -> None:
    """Somebody took it in the other system, which does not make them leader of our incident: they have not seen it."""
    if heard.acknowledged_by and episode.incident is not None:
        detail = {"alert": episode.alert.name, "who": heard.acknowledged_by}
        tell_incident(episode.incident, "taken_elsewhere", actor=f"pagerduty:{heard.acknowledged_by}", detail=detail)


def _echo(heard: Heard) -> None:
    """Our own page comes back: who acknowledged it there has the incident here; nothing else follows from it."""
    incident = Incident.objects.filter(code=heard.ours).first()
    if incident is None or not heard.acknowledged_by or incident.state != IncidentState.OPEN:
        return
    leading.acknowledge(incident, By(actor=f"pagerduty:{heard.acknowledged_by}"[:80], reason="PagerDuty"))


def _propose_end(incident: Incident) -> None:
    """All its alerts are over: say so, and end it by itself only where that is allowed."""
    incident = lock_incident(incident)
    if incident.state not in LIVE or incident.proposed_end_at or not opening.are_alerts_over(incident):
        return
    change_incident(incident, "proposed_end", actor=RULE, proposed_end_at=timezone.now())
    if incident.severity >= Severity.P2:
        try:
            leading.resolve(incident, By(actor=RULE, reason="all alerts are over"))
        except NotAllowed:
            return
