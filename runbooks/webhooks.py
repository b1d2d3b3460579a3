"""Where monitoring systems call: verify the raw bytes, store, answer. Judging comes afterwards.

Answers: 202 stored (also a repetition, and what nobody will understand), 401 not proved, 404 no such system, 413 too
large, 503 cannot be stored now, or too much waits. Never 429: Alertmanager tries only a 5xx again, and drops the rest.
"""

import logging

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from runbooks.hearing import SOURCES
from runbooks.hearing.heard import LARGEST
from runbooks.services import alerts

logger = logging.getLogger(__name__)

RECEIVED = Counter("opsconsole_alert_messages_total", "Messages of monitoring systems by answer", ("source", "answer"))


@csrf_exempt
@require_POST
def alert_callback(request: HttpRequest, source: str) -> HttpResponse:
    """POST /callbacks/alerts/<alertmanager|grafana|pagerduty|deploy>."""
    if source not in SOURCES:
        return _answer(404, "unknown", "no such system")
    if source in settings.UNPROVED_SENDERS:
        logger.error("alert of %s refused: %s is not set", source, settings.UNPROVED_SENDERS[source])
        return _answer(503, source, "no secret is set")
    raw = request.read(LARGEST + 1)
    if len(raw) > LARGEST:
        return _answer(413, source, "too large")
    if not SOURCES[source].verify(raw, request.headers, settings.ALERTS[source]):
        return _answer(401, source, "not proved")
    return _store(source, raw, request)


def _store(source: str, raw: bytes, request: HttpRequest) -> HttpResponse:
    try:
        alerts.store(source, raw, request.headers)
    except alerts.Overloaded:
        return _answer(503, source, "too much waits; come again")
    except DatabaseError as error:
        logger.warning("alert of %s not stored: %s", source, type(error).__name__)
        return _answer(503, source, "cannot be stored now")
    return _answer(202, source, "stored")


def _answer(status: int, source: str, text: str) -> HttpResponse:
    RECEIVED.labels(source, str(status)).inc()
    response = JsonResponse({"status": text}, status=status)
    response["Content-Length"] = len(response.content)  # no middleware is there to do it
    if status == 503:
        response["Retry-After"] = "5"
    return response
