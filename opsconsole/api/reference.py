"""The reference page: the OpenAPI document, readable. No script, nothing from another host."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from opsconsole.api.curl import curl_calls
from opsconsole.api.openapi import EVERYWHERE, OF_BODIES, OF_QUERIES, OF_WRITES, document
from opsconsole.api.platform import api
from opsconsole.api.problems import CONTENT_TYPE, KINDS
from opsconsole.api.writes import HEADER

METHODS = ("get", "post", "put", "delete")
TONES = {"get": "neutral", "post": "active", "put": "waiting", "delete": "failed"}
COMMON = frozenset((*EVERYWHERE, *OF_WRITES, *OF_BODIES, *OF_QUERIES))
LIMITS = {
    "minimum": "≥",
    "maximum": "≤",
    "exclusiveMinimum": ">",
    "minLength": "length ≥",
    "maxLength": "length ≤",
    "format": "",
    "pattern": "",
}


@dataclass(frozen=True)
class Field:
    """One line of a table. `schema` is the name of the schema it refers to, if any."""

    name: str
    type: str
    schema: str
    is_required: bool
    limits: str
    text: str


# A text with its `names` told apart: (is a name, words).
Words = list[tuple[bool, str]]


@dataclass(frozen=True)
class Answer:
    """`kinds` are the problems that are this operation's own; the common ones are elsewhere."""

    status: str
    schema: str
    kinds: tuple[str, ...]

    @property
    def tone(self) -> str:
        return "done" if self.status.startswith("2") else "attention" if self.status.startswith("4") else "failed"


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    title: str
    paragraphs: list[Words]
    parameters: list[Field]
    body: str
    calls: list[tuple[str, str]]
    answers: list[Answer]
    common: list[str]

    @property
    def tone(self) -> str:
        return TONES[self.method]


@dataclass(frozen=True)
class SchemaTable:
    name: str
    paragraphs: list[Words]
    fields: list[Field]
    choices: list[str]


@require_GET
def reference(request: HttpRequest) -> HttpResponse:
    """`/api/v1/docs`."""
    made = document(api)
    context = {
        "api": made["info"],
        "groups": _groups(made, host=request.build_absolute_uri("/").rstrip("/")),
        "schemas": _schemas(made["components"]["schemas"]),
        "problems": list(KINDS.items()),
    }
    return TemplateResponse(request, "api/reference.html", context)


def _groups(made: Mapping[str, Any], *, host: str) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for path, methods in made["paths"].items():
        for method in METHODS:
            if method in methods:
                found = _operation(path, method, methods[method], made=made, host=host)
                groups.setdefault(methods[method]["tags"][0], []).append(found)
    return groups


def _operation(path: str, method: str, given: Mapping[str, Any], *, made: Mapping[str, Any], host: str) -> Operation:
    return Operation(
        name=given["operationId"],
        method=method,
        path=path,
        title=given["summary"],
        paragraphs=[_words(each) for each in given.get("description", "").split("\n\n")],
        parameters=[_parameter(each) for each in given.get("parameters", ()) if each["name"] != HEADER],
        body=_name(_content(given.get("requestBody", {})).get("schema", {})),
        calls=curl_calls(f"{host}{path}", method, given, schemas=made["components"]["schemas"]),
        answers=_answers(given["responses"]),
        common=[kind for each in given["responses"].values() for kind in _kinds_of(each) if kind in COMMON],
    )


def _words(text: str) -> Words:
    """Every second part between backquotes is a name."""
    return [(number % 2 == 1, part) for number, part in enumerate(" ".join(text.split()).split("`"))]


def _content(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one media type there is."""
    return next(iter(given.get("content", {}).values()), {})


def _answers(given: Mapping[Any, Mapping[str, Any]]) -> list[Answer]:
    """Successes, and the refusals that not every operation has."""
    answers = []
    for status, each in given.items():
        own = tuple(kind for kind in _kinds_of(each) if kind not in COMMON)
        if own or CONTENT_TYPE not in each["content"]:
            answers.append(Answer(str(status), _name(_content(each).get("schema", {})), own))
    return answers


def _kinds_of(answer: Mapping[str, Any]) -> list[str]:
    return list(answer.get("content", {}).get(CONTENT_TYPE, {}).get("examples", ()))


def _parameter(given: Mapping[str, Any]) -> Field:
    return _field(f"{given['name']}", {**given["schema"], **_said(given)}, is_required=given["required"])


def _said(given: Mapping[str, Any]) -> dict[str, str]:
    return {"description": given.get("description") or f"({given['in']})"}


def _schemas(schemas: Mapping[str, Any]) -> list[SchemaTable]:
    return [_schema(name, schema) for name, schema in sorted(schemas.items()) if name != "Filters"]


def _schema(name: str, schema: Mapping[str, Any]) -> SchemaTable:
    required = schema.get("required", ())
    return SchemaTable(
        name=name,
        paragraphs=[_words(schema.get("description", ""))],
        fields=[
            _field(each, given, is_required=each in required) for each, given in schema.get("properties", {}).items()
        ],
        choices=[_name(each) for each in schema.get("oneOf", ())] or [str(each) for each in schema.get("enum", ())],
    )


def _field(name: str, given: Mapping[str, Any], *, is_required: bool) -> Field:
    kinds = list(_kinds(given))
    return Field(
        name=name,
        type=" or ".join(kind for kind, _schema in kinds),
        schema=next((schema for _kind, schema in kinds if schema), ""),
        is_required=is_required,
        limits=", ".join(_limits(given)),
        text=given.get("description", ""),
    )


def _kinds(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(what to call it, the schema it refers to) for each type the value may have."""
    if "$ref" in given:
        yield _name(given), _name(given)
    elif "anyOf" in given:
        for each in given["anyOf"]:
            yield from _kinds(each)
    elif "const" in given:
        yield f"“{given['const']}”", ""
    elif "enum" in given:
        yield ", ".join(f"“{each}”" for each in given["enum"]), ""
    elif given.get("type") == "array":
        for kind, schema in _kinds(given["items"]):
            yield f"list of {kind}", schema
    else:
        yield str(given.get("type", "any")), ""


def _limits(given: Mapping[str, Any]) -> Iterator[str]:
    for each in (given, *given.get("anyOf", ())):
        for name, sign in LIMITS.items():
            if name in each:
                yield f"{sign} {each[name]}".strip()
    if given.get("default") not in {None, ""}:
        yield f"default {given['default']}"


def _name(given: Mapping[str, Any]) -> str:
    return str(given.get("$ref", "")).rpartition("/")[2]
