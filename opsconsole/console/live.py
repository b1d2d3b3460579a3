"""One template, two answers: the whole page, or the fragment that htmx asked for.

A fragment carries an ETag; asked again with it, the answer is 204 and the page stays untouched.
"""

import hashlib
import re
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django_htmx.http import trigger_client_event

POLL_HEADER: Final = "X-Poll"
DATA_AT_HEADER: Final = "X-Data-At"

# Masked anew in every answer; it says nothing about the data.
_CSRF_FIELD: Final = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')


def is_poll(request: HttpRequest) -> bool:
    """True for the page's own refresh, which is no sign that a person is there."""
    return request.headers.get(POLL_HEADER) == "1"


def is_fragment(request: HttpRequest) -> bool:
    """True when htmx wants a part; going back in history wants the whole page."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx and not htmx.boosted and not htmx.history_restore_request)


def answer(request: HttpRequest, page: str, fragment: str, context: dict[str, Any]) -> HttpResponse:
    """Renders `fragment` for htmx and `page`, which includes it, for everybody else."""
    wants_part = is_fragment(request)
    response = fresh(request, render(request, fragment, context)) if wants_part else render(request, page, context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def fresh(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """204 when the reader has this already. Either way the answer says of when the data is."""
    etag = f'"{hashlib.sha256(_CSRF_FIELD.sub(b"", response.content)).hexdigest()[:20]}"'
    has_it = request.headers.get("If-None-Match") == etag
    result = HttpResponse(status=204) if has_it else response
    result["ETag"] = etag
    result["Cache-Control"] = "no-store"
    result[DATA_AT_HEADER] = f"{timezone.now().timestamp():.0f}"
    return result


def toast(response: HttpResponse, text: str, *, tone: str = "done", href: str = "") -> HttpResponse:
    """Says what became of the person's own action, in the corner, without moving the page. `href`: what to look at."""
    return trigger_client_event(response, "toast", {"text": text, "tone": tone, **({"href": href} if href else {})})
