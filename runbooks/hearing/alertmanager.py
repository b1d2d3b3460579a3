"""Alertmanager's webhook, version 4.

It signs nothing: a bearer token is all there is. A group's `status` stays firing until all its alerts are over and
its `groupKey` is not unique, so only the alerts themselves are read. `truncatedAlerts` counts those left out.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from runbooks.hearing.heard import (
    MOST,
    Heard,
    Message,
    Strange,
    instant,
    label_hash,
    needed_instant,
    parse,
    short,
    texts,
)


def verify(raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """`Authorization: Bearer <token>`."""
    given = headers.get("Authorization", "")
    return bool(secret) and hmac.compare_digest(given.encode(), f"Bearer {secret}".encode())


def read(raw: bytes) -> Message:
    """Raises Strange."""
    data = parse(raw)
    if str(data.get("version")) != "4":
        raise Strange(f"version {short(data.get('version'))[:20]!r} is not 4")
    return message_of(data)


def message_of(data: Mapping[str, Any]) -> Message:
    """What Alertmanager and Grafana have in common."""
    alerts = data.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > MOST:
        raise Strange("alerts is no list, or too long")
    receiver = short(data.get("receiver"))[:80]
    cut = data.get("truncatedAlerts") or 0
    return Message([_heard(each, receiver) for each in alerts], is_cut=bool(cut))


def _heard(alert: Any, receiver: str) -> Heard:
    if not isinstance(alert, dict) or alert.get("status") not in ("firing", "resolved"):
        raise Strange("an alert neither fires nor is resolved")
    labels = texts(alert.get("labels"), name="labels")
    notes = texts(alert.get("annotations") or {}, name="annotations")
    is_firing = alert["status"] == "firing"
    return Heard(
        receiver=receiver,
        fingerprint=short(alert.get("fingerprint"))[:80] or label_hash(labels),
        name=labels.get("alertname", "")[:120] or "?",
        is_firing=is_firing,
        starts_at=needed_instant(alert.get("startsAt"), name="startsAt"),
        ends_at=None if is_firing else instant(alert.get("endsAt")),
        labels=labels,
        summary=notes.get("summary") or notes.get("description", ""),
        url=short(notes.get("runbook_url") or alert.get("generatorURL")),
        values=alert["values"] if isinstance(alert.get("values"), dict) else {},
    )
