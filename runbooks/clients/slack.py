"""Slack's Web API. It knows no idempotency key, so each message carries ours as metadata and can be found by it.

A refusal comes with status 200 and `ok: false`.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from orders.resilience import Outcome, Refused, Retryable, call
from orders.resilience.outcome import Answered, parsed

NAME = "slack"
_EVENT = "opsconsole_page"
_LATER = frozenset({"ratelimited", "internal_error", "service_unavailable", "fatal_error"})
_LOOKED_AT = 100  # messages; a channel of incidents has not more within the minutes that matter


def send(channel: str, text: str, *, key: str) -> Outcome[str]:
    """The answer is the message's `ts`. Not to be repeated blindly."""
    body = {"channel": channel, "text": text, "metadata": {"event_type": _EVENT, "event_payload": {"key": key}}}
    outcome = call(NAME, "POST", "/api/chat.postMessage", json=body, headers=_headers())
    return parsed(_judged(outcome), by=lambda said: str(said["ts"]))


def find(channel: str, *, key: str, since: float) -> Outcome[str | None]:
    """The `ts` of the message with our key sent since then (seconds since 1970), or None for none."""
    path = f"/api/conversations.history?channel={channel.replace('#', '%23')}&oldest={since:.0f}"
    outcome = call(NAME, "GET", f"{path}&limit={_LOOKED_AT}&include_all_metadata=true", headers=_headers())
    return parsed(_judged(outcome), by=lambda said: _found(said["messages"], key))


def _found(messages: list[Mapping[str, Any]], key: str) -> str | None:
    for each in messages:
        if each.get("metadata", {}).get("event_payload", {}).get("key") == key:
            return str(each["ts"])
    return None


def _judged(outcome: Outcome[Any]) -> Outcome[Any]:
    if not isinstance(outcome, Answered) or not isinstance(outcome.data, dict) or outcome.data.get("ok") is True:
        return outcome
    code = str(outcome.data.get("error", "no reason"))
    return Retryable(code) if code in _LATER else Refused(outcome.status, code, code, outcome.data)


def _headers() -> Mapping[str, str]:
    return {"authorization": f"Bearer {settings.PAGING['slack']['token']}"}
