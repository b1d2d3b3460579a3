"""Notification Center: one message to one person, by a channel and a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orders.resilience import Outcome, Refused, Retryable, call
from orders.resilience.outcome import Answered, parsed

NAME = "notification"
# First choice first (domain, section 1).
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "email": ("sendgrid", "ses"),
    "sms": ("twilio", "infobip"),
    "whatsapp": ("whatsapp",),
    "push": ("fcm", "apns"),
    "staff": ("slack",),
}
# What the Center answers when it could not reach the provider: nothing was sent.
PROVIDER_AWAY = "provider_unavailable"


@dataclass(frozen=True, slots=True)
class Report:
    """What the Center knows of a message. `status` is accepted, delivered or bounced."""

    message_id: str
    provider: str
    status: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an email; `content` in base64."""

    name: str
    type: str
    content: str


def send(
    channel: str,
    *,
    to: str,
    template: str,
    text: str,
    idempotency_key: str,
    subject: str = "",
    attachments: Sequence[Attachment] = (),
    provider: str = "",
    deadline: float | None = None,
) -> Outcome[Report]:
    """Hand a message over; the same key is delivered once. Without `provider` the channel's first. Only an email has
    a subject and attachments."""
    body: dict[str, Any] = {"channel": channel, "to": to, "template": template, "text": text}
    body["provider"] = provider or PROVIDERS[channel][0]
    body |= {"subject": subject, "attachments": [asdict(each) for each in attachments]} if subject else {}
    headers = {"idempotency-key": idempotency_key}
    outcome = call(NAME, "POST", "/v1/messages", json=body, headers=headers, deadline=deadline, idempotent=True)
    if isinstance(outcome, Refused) and outcome.code == PROVIDER_AWAY:
        return Retryable(outcome.message or outcome.code)
    return parsed(outcome, by=_report)


def ask(idempotency_key: str) -> Outcome[Report | None]:
    """What became of the message with this key; Answered(None) when the Center has never heard of it."""
    outcome = call(NAME, "GET", f"/v1/messages/by-key/{idempotency_key}")
    if isinstance(outcome, Refused) and outcome.code == "not_found":
        return Answered(outcome.status, None)
    return parsed(outcome, by=_report)


def _report(said: Mapping[str, Any]) -> Report:
    return Report(said["message_id"], said["provider"], said["status"])
