"""The API itself: operations, who may call them, and what becomes of what goes wrong."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.operation import Operation

from opsconsole.api import carts, checkouts, orders, problems, validation
from opsconsole.api.access import ChannelBearer
from opsconsole.api.door import refusal
from opsconsole.api.problems import Problem
from opsconsole.api.reading import StrictParser

DESCRIPTION = """\
Carts and orders of taxi, rent, delivery and shuttle, and checkouts of goods. One bearer token belongs to one \
channel (app, web or corporate), and a channel sees only what is its own. Amounts are whole minor units with a \
currency; times carry a zone. Every write needs an `Idempotency-Key`. Every refusal is a problem document (RFC 9457)."""


class PlatformAPI(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def set_default_exception_handlers(self) -> None:
        """Ours take the place of ninja's own, which would answer in its own form."""
        self.add_exception_handler(Exception, _unforeseen)
        self.add_exception_handler(HttpError, _of_ninja)
        self.add_exception_handler(AuthenticationError, _unauthorized)
        self.add_exception_handler(ValidationError, _invalid)


def _unforeseen(request: HttpRequest, error: Any) -> HttpResponse:
    return refusal(request, error)


def _of_ninja(request: HttpRequest, error: Any) -> HttpResponse:
    """What the parser raised arrives as the cause of ninja's own error."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    return refusal(request, cause)


def _unauthorized(request: HttpRequest, error: Any) -> HttpResponse:
    challenge = {"WWW-Authenticate": 'Bearer realm="platform"'}
    return problems.answer(request, Problem("unauthorized", headers=challenge))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    return problems.answer(request, validation.problem_of(request, error))


api = PlatformAPI(
    title="Platform API",
    version="1.0.0",
    description=DESCRIPTION,
    auth=ChannelBearer(),
    parser=StrictParser(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)
api.add_router("", carts.router)
api.add_router("", orders.router)
api.add_router("", checkouts.router)
