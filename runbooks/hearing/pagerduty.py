"""PagerDuty's webhook, version 3: one event about one of its incidents.

Several signatures (`v1=…`) may stand in one header while a secret is changed; one that fits is enough. It waits 5 s
for a 2xx, and after three refusals in a row it stops sending for a day: what we cannot use is therefore taken, too.
An incident that our own page has opened there comes back with our key: an echo, never a new incident.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from runbooks.hearing.heard import Heard, Message, Strange, instant, needed_instant, parse, short

SIGNATURE: Final = "X-PagerDuty-Signature"
OURS: Final = "opsconsole:"  # how the key of what we have sent there begins
_FIRING: Final = frozenset(
    f"incident.{each}" for each in ("triggered", "reopened", "escalated", "unacknowledged", "priority_updated")
)
_URGENT: Final[Mapping[str, str]] = {"high": "critical", "low": "warning"}


def verify(raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Over the raw bytes, before anything reads them."""
    wanted = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode()
    given = [each.strip().removeprefix("v1=") for each in headers.get(SIGNATURE, "").split(",")]
    return bool(secret) and any(hmac.compare_digest(each.encode(), wanted) for each in given)


def read(raw: bytes) -> Message:
    """Raises Strange. Events that tell nothing of whether something is wrong have no alerts."""
    event = parse(raw).get("event")
    if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
        raise Strange("no event")
    kind, data = event["event_type"], event.get("data")
    told_at = needed_instant(event.get("occurred_at"), name="occurred_at")
    known = {*_FIRING, "incident.resolved", "incident.acknowledged"}
    if kind not in known:
        if kind.startswith(("incident.", "pagey.", "service.")):
            return Message([], told_at)
        raise Strange(f"event {short(kind)[:60]!r}")
    if not isinstance(data, dict):
        raise Strange("no data")
    return Message([_heard(kind, event, data)], told_at)


def _heard(kind: str, event: Mapping[str, Any], data: Mapping[str, Any]) -> Heard:
    key = short(data.get("incident_key"))
    is_over = kind == "incident.resolved"
    occurred_at = needed_instant(event.get("occurred_at"), name="occurred_at")
    return Heard(
        receiver=_name(data.get("service"))[:80],
        fingerprint=short(data.get("id"))[:80] or "?",
        name=short(data.get("title"))[:120] or "?",
        is_firing=not is_over,
        starts_at=instant(data.get("created_at")) or occurred_at,
        ends_at=occurred_at if is_over else None,
        labels=_labels(data),
        summary=short(data.get("title")),
        url=short(data.get("html_url")),
        acknowledged_by=_name(event.get("agent")) or "?" if kind == "incident.acknowledged" else "",
        ours=key.removeprefix(OURS).partition(":")[0] if key.startswith(OURS) else "",
    )


def _labels(data: Mapping[str, Any]) -> Mapping[str, str]:
    priority = _name(data.get("priority"))
    urgency = _URGENT.get(short(data.get("urgency")), "warning")
    return {"service": _name(data.get("service")), "severity": priority or urgency}


def _name(reference: Any) -> str:
    return short(reference.get("summary")) if isinstance(reference, dict) else ""
