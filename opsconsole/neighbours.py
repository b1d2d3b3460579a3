"""Whether the neighbours can be reached, looked at by the ticker and remembered as rows.

A knock is an accepted TCP connection: it costs a neighbour nothing and needs no credentials. What
its answers are worth, the counters of `orders.resilience` say.
"""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from orders import crew
from orders.models import Heartbeat

PATIENCE = 1.0  # seconds
PREFIX = "neighbour:"


def knock(name: str) -> dict[str, Any]:
    """`ok`, and the milliseconds it took or `why` not."""
    started = time.monotonic()
    try:
        _connect(settings.UPSTREAMS[name]["url"])
    except OSError as problem:
        return {"ok": False, "ms": _since(started), "why": type(problem).__name__}
    return {"ok": True, "ms": _since(started)}


def knock_on_all() -> dict[str, dict[str, Any]]:
    """Every neighbour, side by side."""
    names = list(settings.UPSTREAMS)
    return dict(zip(names, crew.each(knock, names, crew="knock"), strict=True))


def look_around() -> int:
    """The ticker's round: remember how each neighbour is, and since when. How many can be reached."""
    now, answers = timezone.now(), knock_on_all()
    known = Heartbeat.objects.in_bulk([PREFIX + name for name in answers])
    for name, answer in answers.items():
        before = known[PREFIX + name].detail if PREFIX + name in known else {}
        same = before.get("ok") == answer["ok"]
        since = before.get("since", now.isoformat()) if same else now.isoformat()
        Heartbeat.objects.update_or_create(
            name=PREFIX + name, defaults={"pid": 0, "at": now, "detail": {**answer, "since": since}}
        )
    return sum(answer["ok"] for answer in answers.values())


def _connect(url: str) -> None:
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    socket.create_connection((address.hostname or "", port), timeout=PATIENCE).close()


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
