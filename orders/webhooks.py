"""Where gateways and partners call: verify the raw bytes, store, answer. Nothing else.

Answers: 200 stored (also a repetition, and a message only quarantined), 401 wrong signature,
413 too large, 503 cannot be stored now, or its sender has no secret of its own yet. Never 500: Midtrans
gives up after one retry on a 500 and retries four times on a 503 (notes on gateways, read 2026-11).
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from orders.clients import partners, tpg
from orders.clients.gateway import BadSignature, Claim, Unparseable
from orders.clients.registry import GATEWAYS
from orders.clients.trip_events import TripEvent
from orders.services import callbacks

logger = logging.getLogger(__name__)

LARGEST = 64 * 1024  # bytes
RECEIVED = Counter("orderorchestrator_callbacks_received_total", "Callbacks by what we answered", ("source", "answer"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told: an HTTP status, and a word."""

    status: int
    text: str

    @property
    def body(self) -> bytes:
        return json.dumps({"status": self.text}).encode()


@csrf_exempt
@require_POST
def gateway_callback(request: HttpRequest, source: str) -> HttpResponse:
    """POST /callbacks/<midtrans|xendit|nicepay>."""
    return _response(gateway_answer(source, _body(request), request.headers))


@csrf_exempt
@require_POST
def trip_callback(request: HttpRequest, source: str = "tpg") -> HttpResponse:
    """POST /callbacks/tpg and /callbacks/partners/<rent|delivery|shuttle>."""
    if source in settings.UNPROVED_SENDERS:
        return _response(_unproved(source))
    raw = _body(request)
    if raw is None:
        return _response(_told(413, source, "too large"))
    headers = request.headers
    if source == tpg.NAME:
        return _response(_keep(source, raw, headers, tpg.verify_event(raw, headers=headers)))
    return _response(_keep(source, raw, headers, partners.verify_event(source, raw=raw, headers=headers)))


def gateway_answer(source: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Verify a gateway's message and store it; `raw` is None for one that was too large to be read."""
    if source not in GATEWAYS:
        return _told(404, "unknown", "no such gateway")
    if source in settings.UNPROVED_SENDERS:
        return _unproved(source)
    if raw is None:
        return _told(413, source, "too large")
    return _keep(source, raw, headers, GATEWAYS[source].verify_callback(raw, headers=headers))


def _unproved(source: str) -> Answer:
    """Everybody knows the secret (ADR 0120). 503, so that what the real sender says comes again."""
    logger.error("callback of %s refused: %s is not set", source, settings.UNPROVED_SENDERS[source])
    return _told(503, source, "no secret is set")


def declared_length(given: str | None) -> int | None:
    """Bytes of a body as its sender declares them; None for what is no length, or too long to be read."""
    text = given or "0"
    return int(text) if text.isdigit() and int(text) <= LARGEST else None


def _body(request: HttpRequest) -> bytes | None:
    if declared_length(request.META.get("CONTENT_LENGTH")) is None:
        return None
    raw = request.read(LARGEST + 1)
    return raw if len(raw) <= LARGEST else None


def _keep(
    source: str,
    raw: bytes,
    headers: Mapping[str, str],
    verdict: Claim | TripEvent | BadSignature | Unparseable,
) -> Answer:
    if isinstance(verdict, BadSignature):
        return _told(401, source, "signature does not fit")
    try:
        callbacks.store(_message(source, raw, headers, verdict))
    except DatabaseError as error:
        logger.warning("callback of %s not stored: %s", source, type(error).__name__)
        return _told(503, source, "cannot be stored now")
    return _told(200, source, "stored")


def _message(
    source: str,
    raw: bytes,
    headers: Mapping[str, str],
    verdict: Claim | TripEvent | Unparseable,
) -> callbacks.Message:
    if isinstance(verdict, Unparseable):
        return callbacks.unreadable(source, verdict, raw=raw, headers=headers)
    if isinstance(verdict, Claim):
        return callbacks.hint(verdict, raw=raw, headers=headers)
    return callbacks.fact(verdict, raw=raw, headers=headers)


def _told(status: int, source: str, text: str) -> Answer:
    RECEIVED.labels(source, str(status)).inc()
    return Answer(status, text)


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    response["Content-Length"] = len(answer.body)  # no middleware is there to do it
    return response
