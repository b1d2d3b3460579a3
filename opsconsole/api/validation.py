"""ninja's validation errors as a problem, each with a pointer into what was sent (RFC 6901)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from ninja.errors import ValidationError

from opsconsole.api.problems import Problem

_UNION = {"union_tag_invalid", "union_tag_not_found"}


def problem_of(request: HttpRequest, error: ValidationError) -> Problem:
    body = getattr(request, "parsed_body", None)
    return Problem("invalid", errors=[_entry(each, body=body) for each in error.errors])


def _entry(error: Mapping[str, Any], *, body: Any) -> dict[str, str]:
    source, *place = error["loc"]
    detail = str(error["msg"]).removeprefix("Value error, ")
    if source == "body":
        if error["type"] in _UNION:
            place.append("service")
        return {"detail": detail, "pointer": pointer(place[1:], body=body)}
    return {"detail": detail, "parameter": ".".join(str(part) for part in place)}


def pointer(place: Sequence[str | int], *, body: Any) -> str:
    """The way to the value in `body`. Steps that are not in it are pydantic's own (tags of unions),
    except the last, which may be what is missing."""
    steps: list[str] = []
    for number, step in enumerate(place, 1):
        inside, body = _into(body, step)
        if inside or number == len(place):
            steps.append(str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{step}" for step in steps)


def _into(body: Any, step: str | int) -> tuple[bool, Any]:
    if isinstance(body, dict) and step in body:
        return True, body[step]
    if isinstance(body, list) and isinstance(step, int) and step < len(body):
        return True, body[step]
    return False, body
