"""A gateway's callback without Django's request, addresses and response: in a flood they cost as much as storing it.

The same answers as `orders.webhooks.gateway_callback` gives, from the same function; a test holds them together.
"""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections
from django.http.request import HttpHeaders

from orders import webhooks
from orders.clients.registry import GATEWAYS

logger = logging.getLogger(__name__)

CALLBACKS: Final = "/callbacks/"
StartResponse = Callable[..., Any]


def source_of(environ: dict[str, Any]) -> str | None:
    """The gateway whose callback this is; None for all else, which Django answers."""
    path = str(environ.get("PATH_INFO", ""))
    source = path.removeprefix(CALLBACKS)
    if path == source or source not in GATEWAYS or environ["REQUEST_METHOD"] != "POST":
        return None
    return None if settings.CALLBACK_MIDDLEWARE else source


def answer(source: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Verify, store, answer. Like Django, it lets go of a connection that broke or is too old, before and after."""
    close_old_connections()
    try:
        told = webhooks.gateway_answer(source, _body(environ), HttpHeaders(environ))
    except Exception:
        logger.exception("callback of %s", source)
        told = webhooks.Answer(500, "failed")
    finally:
        close_old_connections()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(told.body)))]
    start_response(_LINES[told.status], headers)
    return [told.body]


_LINES: Final = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}


def _body(environ: dict[str, Any]) -> bytes | None:
    length = webhooks.declared_length(environ.get("CONTENT_LENGTH"))
    return None if length is None else bytes(environ["wsgi.input"].read(length))
