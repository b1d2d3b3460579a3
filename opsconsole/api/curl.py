"""Calls to try on a command line, made from the examples in the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

SAMPLES: Mapping[str, Any] = {"string": "…", "integer": 1, "number": 1.0, "boolean": True}


def curl_calls(
    url: str, method: str, operation: Mapping[str, Any], *, schemas: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """(title, command): one for each form the body may take."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is None:
        return [("", _command(url, method, None))]
    return [(title, _command(url, method, value)) for title, value in _bodies(body, schemas=schemas)]


def _bodies(schema: Mapping[str, Any], *, schemas: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    whole = _resolved(schema, schemas=schemas)
    if "oneOf" not in whole:
        yield "", example(whole, schemas=schemas)
        return
    for each in whole["oneOf"]:
        value = example(each, schemas=schemas)
        yield value[whole["discriminator"]["propertyName"]], value


def _command(url: str, method: str, body: Any) -> str:
    lines = [f"curl {url}" if method == "get" else f"curl -X {method.upper()} {url}"]
    lines.append('-H "Authorization: Bearer $TOKEN"')
    if method != "get":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if body is not None:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{json.dumps(body, ensure_ascii=False, indent=2)}'")
    return " \\\n  ".join(lines)


def example(schema: Mapping[str, Any], *, schemas: Mapping[str, Any]) -> Any:
    """A value of `schema`: the one it gives, or one made of its parts."""
    whole = _resolved(schema, schemas=schemas)
    if whole.get("examples"):
        return whole["examples"][0]
    if "const" in whole:
        return whole["const"]
    if "enum" in whole:
        return whole["enum"][0]
    if "anyOf" in whole:
        return example(whole["anyOf"][0], schemas=schemas)
    if "properties" in whole:
        return {
            name: example(part, schemas=schemas)
            for name, part in whole["properties"].items()
            if name in whole.get("required", ())
        }
    return SAMPLES.get(whole.get("type", ""))


def _resolved(schema: Mapping[str, Any], *, schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
    # What stands beside a reference is said of this place and comes first.
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
