"""What every request to the API passes, whichever operation it is for.

The door keeps the session machinery out of the API, refuses what no operation should see, and
turns whatever goes wrong inside, or in ninja, or in Django's routing, into a problem document.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from opsconsole.api import problems
from opsconsole.api.problems import Problem
from opsconsole.api.reading import refuse_oversize, refuse_unreadable
from opsconsole.api.refusals import problem_of

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]


def door(view: View) -> View:
    """`view` behind the door."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        _leave_session(request)
        asked = request.method
        if asked == "HEAD":
            request.method = "GET"  # the server drops the body (RFC 9110, section 9.3.2)
        try:
            refuse_unreadable(request)
            refuse_oversize(request)
            return _as_problem(request, view(request, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            return refusal(request, error)
        finally:
            request.method = asked

    guarded.csrf_exempt = True  # type: ignore[attr-defined]
    return guarded


def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """The problem document for anything that was raised."""
    problem = problem_of(error)
    if problem is None:
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
        problem = Problem("internal")
    elif problem.kind == "unavailable":
        logger.error("%s %s: %s", request.method, request.path, error)
    return problems.answer(request, problem)


def nothing_here(request: HttpRequest) -> HttpResponseBase:
    """Any address that is no operation."""
    raise Problem("not-found")


def _leave_session(request: HttpRequest) -> None:
    """Without the attribute, Django's session middleware neither saves nor sets a cookie.

    With SESSION_SAVE_EVERY_REQUEST a browser's cookie would cost two statements a call.
    """
    if hasattr(request, "session"):
        del request.session


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """ninja answers a wrong method by itself, in plain text."""
    if response.status_code != 405:
        return response
    allowed = {"Allow": response.headers.get("Allow", "")}
    return problems.answer(request, Problem("method-not-allowed", headers=allowed))
