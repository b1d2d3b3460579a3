"""Notification Center: one message to one person, by a channel and a provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "notification"
Channel = Literal["email", "sms", "whatsapp", "push"]
# First choice first; a WhatsApp message falls back to SMS.
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "email": ("sendgrid", "ses"),
    "sms": ("twilio", "infobip"),
    "whatsapp": ("whatsapp",),
    "push": ("fcm", "apns"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    message_id: str
    provider: str


def send(
    channel: Channel,
    *,
    to: str,
    template: str,
    data: Mapping[str, Any],
    idempotency_key: str,
    provider: str = "",
    deadline: float | None = None,
) -> Outcome[Sent]:
    """Hand a message over; the same key is delivered once. Without `provider` the first one."""
    outcome = call(
        NAME,
        "POST",
        "/v1/messages",
        json={
            "channel": channel,
            "to": to,
            "template": template,
            "data": dict(data),
            "provider": provider or PROVIDERS[channel][0],
        },
        headers={"idempotency-key": idempotency_key},
        deadline=deadline,
        idempotent=True,
    )
    return parsed(outcome, by=lambda said: Sent(said["message_id"], said["provider"]))
