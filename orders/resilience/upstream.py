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

import httpcore
from django.conf import settings

from orders.resilience import connections
from orders.resilience.answers import Exchange, outcome_of
from orders.resilience.decoding import Undecodable, decoded
from orders.resilience.guards import TurnedAway, guard
from orders.resilience.observation import observe
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable, Unknown

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
FAIR = 0.25  # seconds; a neighbour that was given less is not to blame for being late
READS = ("GET", "HEAD")
ALWAYS = {"accept-encoding": "gzip, deflate", "user-agent": "opsconsole"}
JSON = {"content-type": "application/json", "accept": "application/json"}
FORM = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
}
# What an exchange may end with.
FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    Undecodable,
)
BROKE = "the connection broke before an answer came"
# What people read of each, the first that fits; every one of these has a translation (orders.queries.phrases).
_SAID = (
    (httpcore.ConnectTimeout, "no connection in time"),
    (httpcore.ConnectError, "cannot be reached"),
    (httpcore.PoolTimeout, "no connection of ours was free"),
    (httpcore.TimeoutException, "no answer in time"),
    (httpcore.UnsupportedProtocol, "its address is none that can be called"),
)


@dataclass(frozen=True, slots=True)
class _Request:
    pool: httpcore.ConnectionPool
    method: str
    base: str
    path: str
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
        pool=connections.pool(name, is_secure=upstream["url"].startswith("https:")),
        method=method,
        base=upstream["url"],
        path=path,
        content=_content(json, form=form),
        headers={**ALWAYS, **(JSON if form is None else FORM), **(headers or {})},
        reads=method in READS if reads is None else reads,
    )
    tries = upstream["tries"] if idempotent or request.reads else 1
    return _observed(name, request, limit=upstream["timeout"] if deadline is None else deadline, tries=tries)


def _observed(name: str, request: _Request, *, limit: float, tries: int) -> Outcome[Any]:
    started = time.monotonic()
    tried = _tried(name, request, until=started + limit, tries=tries)
    seconds = time.monotonic() - started
    outcome = Retryable(tried.reason, ours=True) if isinstance(tried, TurnedAway) else tried
    observe(name, outcome.kind, seconds)
    _log(name, request, outcome, seconds=seconds, is_sent=tried is outcome)
    return outcome


def _content(json: Any, *, form: Mapping[str, str] | None) -> bytes | None:
    if form is not None:
        return urlencode(form).encode()
    return None if json is None else jsonlib.dumps(json, separators=(",", ":")).encode()


def _tried(name: str, request: _Request, *, until: float, tries: int) -> Outcome[Any] | TurnedAway:
    outcome = _guarded(name, request, until=until, is_retry=False)
    if isinstance(outcome, TurnedAway):
        return outcome
    unanswered = isinstance(outcome, Unknown)
    for number in range(2, tries + 1):
        if not isinstance(outcome, Retryable | Unknown) or not _paused(outcome.after, number=number, until=until):
            break
        again = _guarded(name, request, until=until, is_retry=True)
        if isinstance(again, TurnedAway):
            break  # nothing was sent this time: what the earlier try told stays true
        outcome = again
        unanswered = unanswered or isinstance(outcome, Unknown)
    return _concluded(outcome, request=request, unanswered=unanswered)


def _paused(asked: float, *, number: int, until: float) -> bool:
    """Wait before the `number`-th try; False where no time would be left for it.

    The pause doubles and is spread, so that callers that failed together do not come back together; it is never
    shorter than the neighbour `asked` for.
    """
    pause = asked + FIRST_PAUSE * 2 ** (number - 2) * random.uniform(0.5, 1.5)  # noqa: S311
    if time.monotonic() + pause >= until:
        return False
    time.sleep(pause)
    return True


def _concluded(outcome: Outcome[Any], *, request: _Request, unanswered: bool) -> Outcome[Any]:
    """A write that once went unanswered stays unknown, whatever a later try says but "done"."""
    if request.reads:
        return Retryable(outcome.reason, outcome.ours, outcome.after) if isinstance(outcome, Unknown) else outcome
    if not unanswered or isinstance(outcome, Answered | Unknown):
        return outcome
    said = outcome.code if isinstance(outcome, Refused) else outcome.reason
    return Unknown(f"an earlier try was not answered; the last one said: {said}")


def _guarded(name: str, request: _Request, *, until: float, is_retry: bool) -> Outcome[Any] | TurnedAway:
    chosen = guard(name)
    ticket = chosen.admit(is_retry=is_retry)
    if isinstance(ticket, TurnedAway):
        return ticket
    outcome = _sent(request, until=until)
    chosen.report(ticket, outcome)
    return outcome


def _sent(request: _Request, *, until: float) -> Outcome[Any]:
    left = until - time.monotonic()
    if left <= 0:
        return Retryable("deadline passed before sending", ours=True)
    try:
        with connections.until(until):
            return outcome_of(_exchange(request, timeout=left))
    except FAILURES as error:
        return _failure(error, is_hasty=left < FAIR)


def _failure(error: Exception, *, is_hasty: bool) -> Outcome[Any]:
    """Nothing was sent where no connection was made; otherwise nobody knows."""
    reason = _words(error)
    logger.debug("%s: %s", type(error).__name__, error)
    if isinstance(error, httpcore.UnsupportedProtocol | httpcore.PoolTimeout):
        return Retryable(reason, ours=True)
    is_late = isinstance(error, httpcore.TimeoutException)
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return Retryable(reason, ours=is_late and is_hasty)
    return Unknown(reason, ours=is_late and is_hasty)


def _words(error: Exception) -> str:
    """What people read of it, on the order and in its history; the library's own words are in the log."""
    if isinstance(error, Undecodable):
        return str(error)  # our own words
    return next((words for kind, words in _SAID if isinstance(error, kind)), BROKE)


def _exchange(request: _Request, *, timeout: float) -> Exchange:
    url = connections.url(request.base, request.path)
    sent = httpcore.Request(
        request.method,
        url,
        content=request.content,
        headers=_headers(request, url),
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)},
    )
    response = request.pool.handle_request(sent)
    try:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        body = decoded(response.iter_stream(), encoding=headers.get("content-encoding", ""))
        return Exchange(response.status, body, headers)
    finally:
        response.close()


def _headers(request: _Request, url: httpcore.URL) -> list[tuple[bytes, bytes]]:
    """Theirs, where it goes, and how long it is: nothing below this adds them."""
    host = url.host.decode()
    where = f"[{host}]" if ":" in host else host
    added = [("host", where if url.port is None else f"{where}:{url.port}")]
    if request.content is not None or request.method not in READS:
        added.append(("content-length", str(len(request.content or b""))))
    return [(name.encode(), value.encode()) for name, value in (*added, *request.headers.items())]


def _log(name: str, request: _Request, outcome: Outcome[Any], *, seconds: float, is_sent: bool) -> None:
    """Neither headers nor bodies: they carry keys and personal data.

    A breaker that opens is logged once, with its change; the calls that it turns away are counted (`TURNED_AWAY`).
    """
    if isinstance(outcome, Answered):
        return
    said = outcome.code if isinstance(outcome, Refused) else outcome.reason
    is_ours = isinstance(outcome, Retryable | Unknown) and outcome.ours
    logger.log(
        (logging.INFO if is_ours else logging.WARNING) if is_sent else logging.DEBUG,
        "upstream %s %s %s: %s %s (%.3f s)",
        name,
        request.method,
        request.path.partition("?")[0],
        outcome.kind,
        said,
        seconds,
    )
