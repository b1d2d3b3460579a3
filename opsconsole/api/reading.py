"""Reading bodies: strict JSON, or a clear refusal. Nothing that passes here can break a query.

Python's own reader takes NaN, names used twice and integers of any length; PostgreSQL takes no NUL
and no half of a surrogate pair. All of them are the client's mistake and are told so.
"""

import json
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser

from opsconsole.api.problems import Problem

LARGEST_BODY = 64 * 1024  # bytes
LARGEST_NUMBER = 2**53 - 1  # what every JSON implementation reads exactly (RFC 8259, section 6)
DEEPEST = 32
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def refuse_oversize(request: HttpRequest) -> None:
    """By the headers alone, before a byte of the body is read."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Problem("length-required")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise Problem("too-large")


def refuse_unreadable(request: HttpRequest) -> None:
    """An address with a NUL character finds nothing and would be refused by PostgreSQL."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise Problem("bad-request", _("The address contains a NUL character."))


class StrictParser(Parser):
    """What ninja reads bodies with. The value is kept for the fingerprint of the write."""

    def parse_body(self, request: HttpRequest) -> Any:
        refuse_other_media(request)
        value = read(request.body)
        request.parsed_body = value  # type: ignore[attr-defined]
        return value


def refuse_other_media(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type != "application/json" or charset not in {"utf-8", "utf8"}:
        raise Problem("unsupported-media-type")


def read(body: bytes) -> Any:
    """The value of a JSON text. Raises Problem."""
    try:
        value = json.loads(
            body.decode(),
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_fraction,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise Problem("invalid-json", _("The body is not UTF-8.")) from error
    except RecursionError as error:
        raise Problem("invalid-json", _("Nested too deeply.")) from error
    except json.JSONDecodeError as error:
        place = _("line %(line)d, column %(column)d") % {
            "line": error.lineno,
            "column": error.colno,
        }
        raise Problem("invalid-json", f"{error.msg}: {place}") from error
    _refuse_unstorable(value)
    return value


def _refuse_constant(name: str) -> Any:
    raise Problem("invalid-json", _("%(name)s is no JSON number.") % {"name": name})


def _integer(digits: str) -> int:
    # Compared by length first: int() of a million digits takes seconds.
    if len(digits) > 20 or abs(int(digits)) > LARGEST_NUMBER:
        raise Problem("invalid-json", _("A number is larger than 2^53 - 1."))
    return int(digits)


def _fraction(digits: str) -> int | float:
    number = float(digits)
    if abs(number) > LARGEST_NUMBER:
        raise Problem("invalid-json", _("A number is larger than 2^53 - 1."))
    # 2.0 and 2e0 are the number 2, and an integer by JSON Schema.
    return int(number) if number.is_integer() else number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("invalid-json", _("A name is used twice in one object."))
    return found


def _refuse_unstorable(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise Problem("invalid-json", _("Nested too deeply."))
    if isinstance(value, str):
        _refuse_text(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_text(name)
            _refuse_unstorable(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _refuse_unstorable(member, depth + 1)


def _refuse_text(text: str) -> None:
    if "\0" in text:
        raise Problem("invalid-json", _("A text contains a NUL character."))
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Problem("invalid-json", _("A text contains half of a surrogate pair."))
