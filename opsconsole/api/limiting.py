"""Rate limits of operations: 429 with Retry-After, before anything is looked up or kept."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from opsconsole.api.access import caller
from opsconsole.api.openapi import LIMIT
from opsconsole.api.problems import Problem
from orders.resilience import buckets

P = ParamSpec("P")
Operation = Callable[Concatenate[HttpRequest, P], HttpResponse]


def limited(endpoint: str) -> Callable[[Operation[P]], Operation[P]]:
    """Mark an operation. Outside `@written`, so that a 429 is never kept as the answer to a key."""

    def mark(operation: Operation[P]) -> Operation[P]:
        @wraps(operation)
        def run(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            refused = buckets.take(endpoint, caller=caller(request).pk)
            if refused is not None:
                raise _problem(refused)
            return operation(request, *args, **kwargs)

        return run

    return mark


def described_limit(endpoint: str) -> dict[str, Any]:
    """For the OpenAPI document."""
    limit = buckets.DEFAULTS[endpoint]
    return {LIMIT: {"requests_per_second": limit.all.rate, "burst": limit.all.burst}}


def _problem(refused: buckets.Refused) -> Problem:
    said = {
        buckets.ALL: _("The platform takes no more of these at the moment."),
        buckets.TOKEN: _("Your channel's token has used what it may."),
    }
    return Problem("too-many-requests", said[refused.scope], headers={"Retry-After": str(max(1, refused.wait))})
