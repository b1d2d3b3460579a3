"""Per request: the person's language, and the two clocks of a session."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from opsconsole.console.access import ask_to_sign_in
from opsconsole.console.live import is_poll
from opsconsole.console.preferences import taste_of

SIGNED_IN_AT: Final = "signed_in_at"
SEEN_AT: Final = "seen_at"

# A page view within this span is not written down: one row write a minute, not one per request.
GRAIN: Final = timedelta(seconds=60)
IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=8)

Answer = Callable[[HttpRequest], HttpResponse]


class Language:
    """The person's choice, else the browser's; replaces Django's LocaleMiddleware, which knows no person."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = taste_of(request).language or translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


class SessionClock:
    """Ends a session after 30 minutes without a person, and after 8 hours in any case.

    The page's own refresh is no person: a console left open on a wall signs itself out.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        if SIGNED_IN_AT not in request.session:
            start_clock(request)
        if has_ended(request):
            logout(request)
            return ask_to_sign_in(request, ended="1")
        if not is_poll(request):
            _see(request)
        response = self.get_response(request)
        # What a signed-in person sees stays out of every cache, the browser's own included.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def start_clock(request: HttpRequest) -> None:
    """Both clocks from now: at sign-in, or when a session that another way in has made is first seen."""
    request.session[SIGNED_IN_AT] = request.session[SEEN_AT] = int(time.time())


def has_ended(request: HttpRequest) -> bool:
    """True past either limit (settings SESSION_IDLE and SESSION_ABSOLUTE, timedeltas)."""
    now = time.time()
    signed_in, seen = request.session[SIGNED_IN_AT], request.session[SEEN_AT]
    return bool(now - signed_in > _limit("SESSION_ABSOLUTE", ABSOLUTE) or now - seen > _limit("SESSION_IDLE", IDLE))


def _see(request: HttpRequest) -> None:
    now = int(time.time())
    if now - request.session[SEEN_AT] >= GRAIN.total_seconds():
        request.session[SEEN_AT] = now


def _limit(name: str, default: timedelta) -> float:
    span: timedelta = getattr(settings, name, default)
    return span.total_seconds()
