"""Reading what neighbours write: amounts, instants, JSON and forms that may be rubbish.

Everything raises `Unreadable` and nothing else, so that a caller catches one type.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

BODY_LIMIT = 64 * 1024
# Business time; Midtrans and Nicepay write it without a zone.
WIB = timezone(timedelta(hours=7), "WIB")
NO_DECIMALS = frozenset({"IDR", "JPY", "KRW", "VND"})

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)
_PLAIN_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_TEXT_LIMIT = 200


class Unreadable(ValueError):
    """A message that cannot be understood, with the reason."""


def minor_units(value: Any, *, currency: str) -> int:
    """`"150000.00"`, 150000 or 150000.0 as minor units. A fraction of a minor unit is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unreadable("amount is not a number")
    text = repr(value) if isinstance(value, float) else str(value)
    if _DECIMAL.fullmatch(text) is None:
        raise Unreadable("amount is not a number")
    scaled = Decimal(text).scaleb(0 if currency in NO_DECIMALS else 2)
    if scaled != scaled.to_integral_value():
        raise Unreadable("amount has a fraction of a minor unit")
    return int(scaled)


def plain_amount(amount: int, *, currency: str) -> int | float:
    """Minor units as the plain number that JSON bodies carry."""
    return amount if currency in NO_DECIMALS else amount / 100


def text(value: Any, *, name: str) -> str:
    """A short required text, without control characters."""
    if not isinstance(value, str) or not value or len(value) > _TEXT_LIMIT:
        raise Unreadable(f"{name} is not a short text")
    if not value.isprintable():
        raise Unreadable(f"{name} has control characters")
    return value


def optional_text(value: Any, *, name: str) -> str:
    return "" if value is None or value == "" else text(value, name=name)


def wib_instant(value: Any) -> datetime | None:
    """`2020-01-09 18:27:19`, GMT+7 without saying so."""
    if isinstance(value, str) and _PLAIN_INSTANT.fullmatch(value) is not None:
        with suppress(ValueError, OverflowError):  # strptime takes four times as long
            return datetime.fromisoformat(value).replace(tzinfo=WIB).astimezone(UTC)
    return _instant(value, pattern="%Y-%m-%d %H:%M:%S", zone=WIB)


def compact_wib_instant(date: Any, time: Any) -> datetime | None:
    """`20221214` and `142527`, GMT+7 (Nicepay)."""
    if not isinstance(date, str) or not isinstance(time, str):
        return None
    return _instant(date + time, pattern="%Y%m%d%H%M%S", zone=WIB)


def _instant(value: Any, *, pattern: str, zone: timezone) -> datetime | None:
    try:
        return datetime.strptime(value, pattern).replace(tzinfo=zone).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def iso_instant(value: Any) -> datetime | None:
    """ISO 8601 with a zone; three to nine digits of a second occur (Xendit)."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    shortened = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value)
    try:
        instant = datetime.fromisoformat(shortened)
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


def strict_json(raw: bytes) -> dict[str, Any]:
    """A JSON object without double keys, in UTF-8, not larger than any honest message."""
    if len(raw) > BODY_LIMIT:
        raise Unreadable("body is too large")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {type(error).__name__}") from None
    if not isinstance(data, dict):
        raise Unreadable("not a JSON object")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers may pick different ones of a double key, so such a message is not understood."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a key occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise Unreadable(f"{name} is not JSON")


def strict_form(raw: bytes) -> dict[str, str]:
    """An urlencoded form without double keys. Nicepay writes an empty value as the word `null`."""
    if len(raw) > BODY_LIMIT:
        raise Unreadable("body is too large")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=100,
        )
    except ValueError as error:
        raise Unreadable(f"not a form: {type(error).__name__}") from None
    return {key: "" if value == "null" else value for key, value in _once(pairs).items()}


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name, whatever its case; Django's mapping and a plain dict alike."""
    for key, value in headers.items():
        if key.lower() == name:
            return value
    return ""
