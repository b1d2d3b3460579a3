"""From an HTTP answer to what it lets us know."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from orders.resilience.outcome import Answered, Outcome, Refused, Retryable, Unknown


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back, unpacked. `headers` by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def outcome_of(answer: Exchange) -> Outcome[Any]:
    status, body, after = answer.status, answer.body, _seconds_asked(answer.headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Retryable("too many requests", after=after)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        # By the book nothing happened, but proxies say it also of a request they had passed on.
        return Unknown("status 408", after=after)
    if 400 <= status < 500:
        return _refusal(status, body)
    if not 200 <= status < 300:
        return Unknown(f"status {status}", after=after)
    try:
        return Answered(status, json.loads(body) if body else None)
    except (ValueError, RecursionError):
        return Unknown("answer is not JSON")


def _refusal(status: int, body: bytes) -> Refused:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Refused(status, str(status), "", None)
    said = data if isinstance(data, dict) else {}
    code = said.get("error_code") or said.get("code") or said.get("status_code") or status
    message = said.get("message") or said.get("status_message") or said.get("detail") or ""
    return Refused(status, str(code), str(message)[:500], data)


def _seconds_asked(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds, or as a date; 0 where it is absent or makes no sense."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:6])
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(tz=UTC)).total_seconds())
