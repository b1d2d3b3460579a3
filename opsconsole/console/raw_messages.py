"""Raw messages of gateways and partners: readable, and without the customer's data unless that was asked for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from opsconsole.console.personal import DOT, masked
from orders import names
from orders.models import InboundEvent

_NAMES: Final = re.compile(
    r"(^|[_.-])(name|first_name|last_name|billingnm|buyernm|usernm|given_names|surname)$", re.IGNORECASE
)
_PHONES: Final = re.compile(r"phone|mobile|msisdn|whatsapp|billingphone|buyerphone", re.IGNORECASE)
_EMAILS: Final = re.compile(r"e-?mail", re.IGNORECASE)
_OTHERS: Final = re.compile(r"addr|street|postal|birth|passport|card_?(no|num)|masked_card|^driver$", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE: Final = re.compile(r"(?<![\w-])\+?(?:62|0)8\d{7,12}(?![\w-])")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """`body` is indented JSON, or the text as it came when it is none; `size` in bytes."""

    event: InboundEvent
    source: str
    body: str
    headers: list[tuple[str, str]]
    size: int
    is_masked: bool
    is_json: bool


def shown(event: InboundEvent, *, is_masked: bool) -> RawMessage:
    raw = bytes(event.raw)
    data = _parsed(raw)
    if data is None:
        text = raw.decode("utf-8", "backslashreplace")
        body = _masked_text(text) if is_masked else text
    else:
        body = json.dumps(_masked(data) if is_masked else data, indent=2, ensure_ascii=False)
    return RawMessage(
        event=event,
        source=names.system(event.source),
        body=body,
        headers=sorted(event.headers.items()),
        size=len(raw),
        is_masked=is_masked,
        is_json=data is not None,
    )


def _parsed(raw: bytes) -> Any:
    """JSON, or the pairs of a form (Nicepay sends one); None for anything else."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        pass
    try:
        pairs = parse_qsl(raw.decode(), strict_parsing=True)
    except ValueError:
        return None
    return dict(pairs) if all(re.fullmatch(r"[\w.\[\]-]+", name) for name, _value in pairs) else None


def _masked(data: Any, name: str = "") -> Any:
    if isinstance(data, Mapping):
        return {key: _masked(value, str(key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_masked(value, name) for value in data]
    if isinstance(data, str) or (_PHONES.search(name) and not isinstance(data, bool)):
        return _masked_value(str(data), name)
    return data


def _masked_value(text: str, name: str) -> str:
    for pattern, kind in ((_EMAILS, "email"), (_PHONES, "phone"), (_NAMES, "name")):
        if pattern.search(name):
            return masked(text, kind=kind)
    if _OTHERS.search(name):
        return DOT * 3 if text else ""
    return _masked_text(text)


def _masked_text(text: str) -> str:
    """Addresses and numbers wherever they stand."""
    text = _EMAIL.sub(lambda found: masked(found[0], kind="email"), text)
    return _PHONE.sub(lambda found: masked(found[0], kind="phone"), text)
