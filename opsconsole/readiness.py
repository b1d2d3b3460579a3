"""`/ready`: whether this process can do its work, with each dependency's answer time.

Red (503) only for what it cannot do without: PostgreSQL. Redis and the neighbours are told, but an
order can be taken without them, so a platform must not take us out for them.
"""

import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from opsconsole.neighbours import knock_on_all

PATIENCE = 1.0  # seconds for each dependency; red within 5 s (issue: PostgreSQL away)


def ready(_request: HttpRequest) -> JsonResponse:
    """GET /ready."""
    answers = {"postgresql": _timed(_postgresql), "redis": _timed(_redis), **knock_on_all()}
    is_ready = answers["postgresql"]["ok"]
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


def _postgresql() -> None:
    """A server that takes writes answers. Django makes a broken connection anew at each request."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if cursor.fetchone()[0]:
            raise DatabaseError("read-only")


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
