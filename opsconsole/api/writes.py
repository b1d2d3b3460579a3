"""Writes that may be repeated: the Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header).

An operation marked `@written` runs after its input was found valid. Its answer is kept, refusals
included, except where nothing is certain (a mistake of ours, a database that is away): then the key
is free again at once.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse

from opsconsole.api import problems
from opsconsole.api.access import caller
from opsconsole.api.problems import Problem
from opsconsole.api.refusals import SOON, problem_of
from orders.services import idempotency
from orders.services.idempotency import OtherWrite, Replay, Reserved, Running

logger = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
P = ParamSpec("P")


def written(
    operation: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Mark an operation that changes something."""

    @wraps(operation)
    def run(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        reservation = idempotency.reserve(caller(request), key=_key(request), fingerprint=_fingerprint(request))
        if not isinstance(reservation, Reserved):
            return _not_reserved(reservation)
        request.reserved = reservation  # type: ignore[attr-defined]
        try:
            response = operation(request, *args, **kwargs)
            settle(request, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the key must not stay taken
            return _failed(request, reservation, error)
        return response

    return run


def settle(request: HttpRequest, response: HttpResponse) -> None:
    """Keep `response` as the answer to this write, once.

    An operation calls it in the transaction of its effect where it can. Raises LostLease.
    """
    reserved = getattr(request, "reserved", None)
    if reserved is None or getattr(response, "is_kept", False):
        return
    idempotency.keep(
        reserved,
        status=response.status_code,
        body=response.content.decode(),
        headers=dict(response.items()),
    )
    response.is_kept = True  # type: ignore[attr-defined]


def _key(request: HttpRequest) -> str:
    key = request.headers.get(HEADER, "")
    if not _KEY.fullmatch(key):
        raise Problem("idempotency-key-missing")
    return key


def _fingerprint(request: HttpRequest) -> str:
    """The same write, however its JSON is spelt."""
    body = getattr(request, "parsed_body", None)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    whole = f"{request.method} {request.get_full_path()}\n{text}"
    return hashlib.sha256(whole.encode()).hexdigest()


def _not_reserved(reservation: Replay | Running | OtherWrite) -> HttpResponse:
    if isinstance(reservation, Running):
        raise Problem("in-progress", headers=SOON)
    if isinstance(reservation, OtherWrite):
        raise Problem("idempotency-key-reused")
    response = HttpResponse(reservation.body, status=reservation.status, headers=dict(reservation.headers))
    response[REPLAYED] = "true"
    return response


def _failed(request: HttpRequest, reserved: Reserved, error: Exception) -> HttpResponse:
    problem = problem_of(error)
    if problem is None or problem.status >= 500 or problem.kind == "in-progress":
        _release(reserved)
        raise error
    response = problems.answer(request, problem)
    settle(request, response)
    return response


def _release(reserved: Reserved) -> None:
    try:
        idempotency.release(reserved)
    except (DatabaseError, InterfaceError):
        logger.warning("an idempotency key stays reserved until its lease ends")
