"""One alert, whoever told it, and reading JSON that may be rubbish."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

LARGEST: Final = 1024 * 1024  # bytes; a group of a thousand alerts fits
MOST: Final = 2000  # alerts of one message
_LONG: Final = 400


class Strange(ValueError):
    """A message that nobody here understands. The text says what about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One alert of a message. `fingerprint` is the identity its system gives it; `ends_at` is set when it is over.

    `acknowledged_by` is set where a person has taken it in the other system; `ours` is the code of our own
    incident when the message is the echo of a page we sent.
    """

    receiver: str
    fingerprint: str
    name: str
    is_firing: bool
    starts_at: datetime
    ends_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    url: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    acknowledged_by: str = ""
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """All alerts of one message. `told_at` is when they say they sent it. With `is_cut` there are more alerts
    than it names, so silence about one proves nothing."""

    alerts: Sequence[Heard]
    told_at: datetime | None = None
    is_cut: bool = False


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object. Raises Strange."""
    try:
        data = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Strange(f"not JSON: {type(error).__name__}") from None
    if not isinstance(data, dict):
        raise Strange("not a JSON object")
    return data


def instant(value: Any) -> datetime | None:
    """ISO 8601 with a zone and up to nine digits of a second; None for nothing, and for Go's zero time."""
    if not isinstance(value, str) or not value or value.startswith("0001-"):
        return None
    shortened = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value)
    try:
        at = datetime.fromisoformat(shortened)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def needed_instant(value: Any, *, name: str) -> datetime:
    at = instant(value)
    if at is None:
        raise Strange(f"{name} is no instant")
    return at


def texts(value: Any, *, name: str) -> dict[str, str]:
    """A mapping of short texts. Raises Strange."""
    if not isinstance(value, dict):
        raise Strange(f"{name} is no object")
    return {str(key)[:120]: short(item) for key, item in value.items()}


def short(value: Any) -> str:
    """As text without what a database refuses, and not longer than a line."""
    return str("" if value is None else value).replace("\0", "")[:_LONG]


def label_hash(labels: Mapping[str, str]) -> str:
    """An identity for an alert whose system gives none."""
    canonical = json.dumps(dict(sorted(labels.items())), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
