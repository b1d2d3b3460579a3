"""One call to one neighbour, answered within one total deadline.

Order of the layers: deadline, then tries (only where repeating is safe), then the guard, then HTTP.
"""

import json as jsonlib
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from django.conf import settings

from orders.resilience import connections
from orders.resilience.guards import guard
from orders.resilience.observation import observe
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable, Unknown

logger = logging.getLogger(__name__)

ANSWER_LIMIT = 4 * 1024 * 1024
FIRST_PAUSE = 0.05
READS = ("GET", "HEAD")
JSON = {"content-type": "application/json", "accept": "application/json"}
FORM = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
}


@dataclass(frozen=True, slots=True)
class _Request:
    client: httpx.Client
    method: str
    url: str
    content: bytes | None
    headers: Mapping[str, str] = field(repr=False)
    reads: bool


def call(
    name: str,
    method: str,
    path: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    deadline: float | None = None,
    idempotent: bool = False,
    reads: bool | None = None,
) -> Outcome[Any]:
    """Call a neighbour and say what is known afterwards.

    `deadline` is seconds from now for everything: connecting, all tries, the pauses between them
    and the body; without it the neighbour's own setting holds. `idempotent` allows repeating the
    call inside the deadline: give it only with a key that the neighbour honours, or for a reading.
    `reads` marks a call without effect that is not a GET: its failures are Retryable.
    """
    upstream = settings.UPSTREAMS[name]
    request = _Request(
        client=connections.client(name, is_secure=upstream["url"].startswith("https:")),
        method=method,
        url=upstream["url"] + path,
        content=_content(json, form=form),
        headers={**(JSON if form is None else FORM), **(headers or {})},
        reads=method in READS if reads is None else reads,
    )
    tries = upstream["tries"] if idempotent or request.reads else 1
    return _observed(name, request, limit=upstream["timeout"] if deadline is None else deadline, tries=tries)


def _observed(name: str, request: _Request, *, limit: float, tries: int) -> Outcome[Any]:
    started = time.monotonic()
    outcome = _tried(name, request, until=started + limit, tries=tries)
    seconds = time.monotonic() - started
    observe(name, outcome.kind, seconds)
    _log(name, request, outcome, seconds=seconds)
    return outcome


def _content(json: Any, *, form: Mapping[str, str] | None) -> bytes | None:
    if form is not None:
        return urlencode(form).encode()
    return None if json is None else jsonlib.dumps(json, separators=(",", ":")).encode()


def _tried(name: str, request: _Request, *, until: float, tries: int) -> Outcome[Any]:
    unanswered = False
    for number in range(1, tries + 1):
        outcome = _guarded(name, request, until=until)
        unanswered = unanswered or isinstance(outcome, Unknown)
        pause = FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        final = isinstance(outcome, Answered | Refused) or number == tries
        if final or time.monotonic() + pause >= until:
            return _concluded(outcome, request=request, unanswered=unanswered)
        time.sleep(pause)
    raise AssertionError("at least one try")


def _concluded(outcome: Outcome[Any], *, request: _Request, unanswered: bool) -> Outcome[Any]:
    """A write that once went unanswered stays unknown, whatever a later try says but "done"."""
    if request.reads:
        return Retryable(outcome.reason) if isinstance(outcome, Unknown) else outcome
    if not unanswered or isinstance(outcome, Answered | Unknown):
        return outcome
    said = outcome.code if isinstance(outcome, Refused) else outcome.reason
    return Unknown(f"an earlier try was not answered; the last one said: {said}")


def _guarded(name: str, request: _Request, *, until: float) -> Outcome[Any]:
    chosen = guard(name)
    refusal = chosen.refusal()
    if refusal is not None:
        return Retryable(refusal)
    started = time.monotonic()
    outcome = _sent(request, until=until)
    chosen.report(outcome, seconds=time.monotonic() - started)
    return outcome


def _sent(request: _Request, *, until: float) -> Outcome[Any]:
    left = until - time.monotonic()
    if left <= 0:
        return Retryable("deadline passed before sending")
    try:
        with connections.until(until):
            status, body = _exchange(request, timeout=left)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Retryable(_reason(error))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        return Retryable(_reason(error))
    except (httpx.TransportError, httpx.DecodingError, _TooLong) as error:
        return Unknown(_reason(error))
    return _verdict(status, body)


class _TooLong(Exception):
    """The answer is longer than any honest one."""


def _exchange(request: _Request, *, timeout: float) -> tuple[int, bytes]:
    stream = request.client.stream(
        request.method,
        request.url,
        content=request.content,
        headers=dict(request.headers),
        timeout=timeout,
        follow_redirects=False,
    )
    with stream as response:
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > ANSWER_LIMIT:
                raise _TooLong(f"more than {ANSWER_LIMIT} bytes")
        return response.status_code, bytes(body)


def _verdict(status: int, body: bytes) -> Outcome[Any]:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Retryable("too many requests")
    if 400 <= status < 500:
        return _refusal(status, body)
    if not 200 <= status < 300:
        return Unknown(f"status {status}")
    try:
        return Answered(status, jsonlib.loads(body) if body else None)
    except (ValueError, RecursionError):
        return Unknown("answer is not JSON")


def _refusal(status: int, body: bytes) -> Refused:
    try:
        data = jsonlib.loads(body)
    except (ValueError, RecursionError):
        return Refused(status, str(status), "", None)
    said = data if isinstance(data, dict) else {}
    code = said.get("error_code") or said.get("code") or said.get("status_code") or status
    message = said.get("message") or said.get("status_message") or said.get("detail") or ""
    return Refused(status, str(code), str(message)[:500], data)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _log(name: str, request: _Request, outcome: Outcome[Any], *, seconds: float) -> None:
    """Neither headers nor bodies: they carry keys and personal data."""
    if isinstance(outcome, Answered):
        return
    said = outcome.code if isinstance(outcome, Refused) else outcome.reason
    logger.warning(
        "upstream %s %s %s: %s %s (%.3f s)",
        name,
        request.method,
        httpx.URL(request.url).path,
        outcome.kind,
        said,
        seconds,
    )
