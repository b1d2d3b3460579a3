"""PagerDuty's Events API v2: an event with a `dedup_key`, under which a repetition joins what is there.

Limits of theirs: key 255 characters, summary 1024, 512 KB, about 120 calls a minute and key; 429 means later.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "pagerduty"
SEVERITIES = ("critical", "error", "warning", "info")  # by P0 to P3


def send(body: Mapping[str, Any], *, key: str) -> Outcome[str]:
    """`body` is the event without routing; the answer is their key of it. Safe to repeat: the key makes one of two."""
    event = {"routing_key": settings.PAGING["pagerduty"]["routing_key"], "dedup_key": key[:255], **body}
    outcome = call(NAME, "POST", "/v2/enqueue", json=event, idempotent=True)
    return parsed(outcome, by=lambda said: str(said["dedup_key"]))


def event(action: str, *, summary: str, severity: int, source: str, link: str) -> Mapping[str, Any]:
    """`action`: trigger, acknowledge or resolve. `severity`: 0 to 3."""
    payload = {"summary": summary[:1024], "severity": SEVERITIES[severity], "source": source}
    return {"event_action": action, "payload": payload, "links": [{"href": link, "text": "opsconsole"}]}
