"""The OpenAPI 3.1 document: what ninja knows, and what it does not.

ninja declares successes only. Every refusal an operation can give is named beside it by
`described(...)`, from the one table of problems, and written into the document here.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.utils import translation
from ninja import NinjaAPI

from opsconsole.api.problems import CONTENT_TYPE, KINDS, REFERENCE
from opsconsole.api.writes import HEADER, REPLAYED

PROBLEMS = "x-problems"
LIMIT = "x-rate-limit"
PREFIX = "/api/v1/"
EVERYWHERE = ("bad-request", "unauthorized", "too-many-requests", "internal", "unavailable")
OF_WRITES = ("idempotency-key-missing", "idempotency-key-reused", "in-progress", "length-required", "too-large")
OF_BODIES = ("invalid-json", "unsupported-media-type", "invalid")
OF_QUERIES = ("invalid",)

KEY_PARAMETER: Mapping[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": True,
    "description": "Chosen by you, once for each thing you want done. The same key and body are "
    "answered the same for 7 days, however often they are sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "location": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "format": "json-pointer"},
                    "parameter": {"type": "string"},
                },
            },
        },
    },
}
LIMITED = (
    "\n\nAt most {requests_per_second} a second and {burst} at once, of everybody together and of each token, unless "
    "the operators changed it; beyond that 429 with `Retry-After`. Nothing is kept of a request that was answered so: "
    "send it again with the same key."
)
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}


def described(*kinds: str) -> dict[str, Any]:
    """What an operation refuses beyond what all operations do."""
    return {PROBLEMS: list(kinds)}


@lru_cache(maxsize=1)
@translation.override("en")
def document(api: NinjaAPI) -> dict[str, Any]:
    """The whole document. Made once a process, in English for whoever asks first."""
    made: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    made["servers"] = [{"url": "/"}]
    made["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
    made["components"]["examples"] = {name: _example(name) for name in KINDS}
    for path in made["paths"].values():
        for method, operation in path.items():
            _complete(operation, writes=method != "get")
    return made


def _complete(operation: dict[str, Any], *, writes: bool) -> None:
    kinds = [*EVERYWHERE, *operation.pop(PROBLEMS, ())]
    limit = operation.get(LIMIT)
    if limit:
        operation["description"] += LIMITED.format(**limit)
    operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
    for parameter in operation.get("parameters", ()):
        _refuse_null(parameter["schema"])
    if writes:
        operation.setdefault("parameters", []).insert(0, dict(KEY_PARAMETER))
        kinds += OF_WRITES
        for success in operation["responses"].values():
            success["headers"] = _success_headers()
    if "requestBody" in operation:
        kinds += OF_BODIES
    elif any(each["in"] == "query" for each in operation.get("parameters", ())):
        kinds += OF_QUERIES
    operation["responses"] |= _refusals(kinds)


def _refuse_null(schema: dict[str, Any]) -> None:
    """An address cannot carry null: a parameter is there or it is not."""
    choices = schema.pop("anyOf", ())
    for each in choices:
        if each != {"type": "null"}:
            schema.update(each)


def _success_headers() -> dict[str, Any]:
    return {
        REPLAYED: {"description": "`true` when this is the answer of before.", "schema": {"type": "string"}},
        "Location": {"schema": {"type": "string", "format": "uri-reference"}},
    }


def _refusals(kinds: Iterable[str]) -> dict[int, Any]:
    by_status: dict[int, list[str]] = {}
    for name in kinds:
        by_status.setdefault(KINDS[name].status, []).append(name)
    return {status: _refusal(status, names) for status, names in sorted(by_status.items())}


def _refusal(status: int, names: list[str]) -> dict[str, Any]:
    titles = ", ".join(str(KINDS[name].title) for name in names)
    examples = {name: {"$ref": f"#/components/examples/{name}"} for name in names}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    found: dict[str, Any] = {"description": titles, "content": {CONTENT_TYPE: content}}
    if status in {429, 503} or "in-progress" in names:
        found["headers"] = RETRY_AFTER
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found


def _example(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    return {
        "summary": str(kind.title),
        "value": {
            "type": f"{REFERENCE}#{name}",
            "title": str(kind.title),
            "status": kind.status,
            "detail": str(kind.meaning),
            "instance": f"{PREFIX}carts",
        },
    }
