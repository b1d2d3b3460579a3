"""What gunicorn imports: Django, and for machines a Django without the layers that only people need."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils.encoding import escape_uri_path
from django.utils.module_loading import import_string

from opsconsole.database_watch import WATCH, DatabaseWatch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsconsole.settings")

CALLBACKS = "/callbacks/"
API = "/api/"
# A platform asks these by an address of its own choosing, and no cookie may make them wait for PostgreSQL.
PROBES = frozenset({"/health", "/ready"})


class CallbackHandler(WSGIHandler):
    """The same addresses and views behind `settings.CALLBACK_MIDDLEWARE` (docs/benchmarks.md says what that saves).

    A callback is proved by its signature over its raw bytes; no host, session or cookie is believed.
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002 - as Django calls it
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]  # the stubs leave it out
        for path in reversed(settings.CALLBACK_MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


class Application:
    """Hands each request to the handler of its address; turns it away while PostgreSQL hangs."""

    def __init__(self, watch: DatabaseWatch = WATCH) -> None:
        self.pages = get_wsgi_application()
        self.callbacks = CallbackHandler()
        self.gateways = _gateways()
        # Every address is read before the first request, which would otherwise wait a second for it.
        get_resolver().url_patterns  # noqa: B018 - reading it is what imports
        self.watch = watch
        watch.start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path in PROBES:
            return self.callbacks(environ, start_response)
        if self.watch.hangs:
            return _turned_away(path, start_response)
        with self.watch.request():
            source = self.gateways.source_of(environ)
            if source is not None:
                said: Iterable[bytes] = self.gateways.answer(source, environ, start_response)
                return said
            return (self.callbacks if path.startswith(CALLBACKS) else self.pages)(environ, start_response)


def _gateways() -> Any:
    """Imported when Django is ready: it knows models."""
    from opsconsole import direct

    return direct


def _turned_away(path: str, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """503 at once, so that gateways send a callback again and no thread waits. Nothing was done."""
    said = {
        "type": "/api/v1/docs#unavailable",
        "title": "Unavailable",
        "status": 503,
        "detail": "The database does not answer. Nothing was changed.",
        "instance": escape_uri_path(path),
    }
    body = json.dumps(said).encode()
    kind = "application/problem+json" if path.startswith(API) else "application/json"
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Retry-After", "5"),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]


application = Application()
