"""What gunicorn imports: Django, and for callbacks a Django without the layers that only people need."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsconsole.settings")

CALLBACKS = "/callbacks/"


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
    """Hands each request to the handler of its address."""

    def __init__(self) -> None:
        self.pages = get_wsgi_application()
        self.callbacks = CallbackHandler()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_callback = environ.get("PATH_INFO", "").startswith(CALLBACKS)
        return (self.callbacks if is_callback else self.pages)(environ, start_response)


application = Application()
