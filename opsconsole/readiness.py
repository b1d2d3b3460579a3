"""`/ready`: whether this process can do its work, with each dependency's answer time.

Red (503) only for what it cannot do without: PostgreSQL. Redis, the neighbours and senders whose secret nobody has set
are told, but an order can be taken without them, so a platform must not take us out for them. While PostgreSQL is away
the neighbours are not asked: the answer must come within 5 s.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from opsconsole.database_watch import ask
from opsconsole.neighbours import knock_on_all

PATIENCE = 0.5  # seconds for Redis to connect, and again to answer


def ready(_request: HttpRequest) -> JsonResponse:
    """GET /ready."""
    answers = {"postgresql": _timed(ask), "redis": _timed(_redis)}
    is_ready = answers["postgresql"]["ok"]
    if is_ready:
        answers |= knock_on_all()
    if settings.UNPROVED_SENDERS:
        why = "default secrets: " + ", ".join(settings.UNPROVED_SENDERS.values())
        answers["webhook secrets"] = {"ok": False, "why": why}
    body = {"ready": is_ready, "dependencies": answers}
    headers = {"Cache-Control": "no-store"}
    return JsonResponse(body, status=200 if is_ready else 503, headers=headers)


def _timed(check: Callable[[], None]) -> dict[str, Any]:
    started = time.monotonic()
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError) as problem:
        return {"ok": False, "ms": _since(started), "why": type(problem).__name__}
    return {"ok": True, "ms": _since(started)}


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def _redis() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    finally:
        client.close()
