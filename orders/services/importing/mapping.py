"""What the columns, words and times of a foreign file mean. Always read as theirs = ours."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from orders.states import AttemptState, Channel, OrderState, Service

FACTS = ("created", "paid", "booking", "active", "completed", "cancelled", "failed", "expired")
ORDER_COLUMNS = (
    *("order_id", "status", "customer_id", "customer_name", "customer_phone", "customer_email"),
    *("service", "channel", "city", "method", "amount", "currency", "promised_by"),
)
PAYMENT_COLUMNS = (
    *("payment_id", "order_id", "part", "method", "gateway", "status", "instalments"),
    *("amount", "currency", "paid_at"),
)
ORDER_STATES = tuple(s for s in OrderState.values if s != OrderState.PAID_AFTER_CLOSE)
PAYMENT_STATES = (
    AttemptState.PAID,
    AttemptState.DECLINED,
    AttemptState.EXPIRED,
    AttemptState.CANCELLED,
)
# The words a table of the mapping may lead to; None where any word will do.
_WORDS: Mapping[tuple[str, str], tuple[str, ...] | None] = {
    ("orders", "columns"): ORDER_COLUMNS,
    ("orders", "times"): FACTS,
    ("orders", "statuses"): ORDER_STATES,
    ("payments", "columns"): PAYMENT_COLUMNS,
    ("payments", "statuses"): PAYMENT_STATES,
    ("payments", "methods"): None,
}
_DEFAULTS = ("service", "channel", "gateway", "time_zone", "time_format", "decimal_mark")


class MappingRefused(Exception):
    """The mapping file is wrong. `str(error)` is one sentence that says where."""


@dataclass(frozen=True)
class Columns:
    """Which foreign column holds which of our fields; `demanded` ones must be in the header."""

    of: Mapping[str, str]
    demanded: frozenset[str]


@dataclass(frozen=True)
class ImportMapping:
    """Everything a foreign pair of files needs to be understood."""

    orders: Columns
    payments: Columns
    order_status: Mapping[str, str]
    payment_status: Mapping[str, str]
    methods: Mapping[str, str]
    defaults: Mapping[str, str]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of timestamps that do not name one."""
        return ZoneInfo(self.defaults["time_zone"])


def load_mapping(path: Path | None = None) -> ImportMapping:
    """The built-in mapping, overlaid by the TOML file at `path`. Raises MappingRefused."""
    builtin = _read(Path(__file__).with_name("default.toml"))
    own = _read(path) if path else {}
    _refuse_unknown(own)
    return ImportMapping(
        orders=_columns("orders", builtin, own, required=("order_id", "status", "time:created")),
        payments=_columns("payments", builtin, own, required=("payment_id", "order_id", "amount")),
        order_status=_words("orders", "statuses", builtin, own, known=ORDER_STATES),
        payment_status=_words("payments", "statuses", builtin, own, known=PAYMENT_STATES),
        methods=_words("payments", "methods", builtin, own),
        defaults=_defaults(builtin, own),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MappingRefused(_("%(file)s cannot be read: %(why)s.") % _why(path, error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingRefused(_("%(file)s is not TOML: %(why)s.") % _why(path, error)) from error


def _why(path: Path, error: Exception) -> dict[str, str]:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return {"file": path.name, "why": (why or str(error)).rstrip(".")}


def _refuse_unknown(own: Mapping[str, Any]) -> None:
    for name, tables in own.items():
        if not isinstance(tables, dict):
            raise MappingRefused(_("“%(name)s” stands outside any table.") % {"name": name})
        for key, value in tables.items():
            _refuse_entry(name, key, value)


def _refuse_entry(name: str, key: str, value: object) -> None:
    place = {"name": f"{name}.{key}"}
    if name == "defaults":
        if key not in _DEFAULTS or not isinstance(value, str):
            raise MappingRefused(_("“%(name)s” is not a default that exists.") % place)
        return
    if (name, key) not in _WORDS or not isinstance(value, dict):
        raise MappingRefused(_("“%(name)s” is not a table of the mapping.") % place)
    allowed = _WORDS[name, key]
    for theirs, ours in value.items():
        if not isinstance(ours, str) or (allowed is not None and ours not in allowed):
            said = {"name": f"{name}.{key}.{theirs}", "ours": ours, "known": _list(allowed)}
            raise MappingRefused(_("“%(name)s” says “%(ours)s”, which is none of: %(known)s.") % said)


def _list(words: tuple[str, ...] | None) -> str:
    return ", ".join(str(word) for word in words or ())


def _columns(sheet: str, builtin: Mapping[str, Any], own: Mapping[str, Any], *, required: tuple[str, ...]) -> Columns:
    mine = _inverted(own.get(sheet, {}))
    return Columns(of=_inverted(builtin[sheet]) | mine, demanded=frozenset(mine) | frozenset(required))


def _inverted(tables: Mapping[str, Any]) -> dict[str, str]:
    columns = {ours: theirs for theirs, ours in tables.get("columns", {}).items()}
    times = {f"time:{fact}": theirs for theirs, fact in tables.get("times", {}).items()}
    return columns | times


def _words(
    sheet: str,
    table: str,
    builtin: Mapping[str, Any],
    own: Mapping[str, Any],
    *,
    known: tuple[str, ...] = (),
) -> dict[str, str]:
    """Foreign word, in small letters, to ours. Our own words always mean themselves."""
    merged = builtin[sheet][table] | own.get(sheet, {}).get(table, {})
    return {str(word): str(word) for word in known} | {theirs.casefold(): ours for theirs, ours in merged.items()}


def _defaults(builtin: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, str]:
    defaults = {**builtin["defaults"], **own.get("defaults", {})}
    choices = {"service": Service.values, "channel": Channel.values, "decimal_mark": [".", ","]}
    for name, allowed in choices.items():
        if defaults[name] not in allowed:
            said = {"name": f"defaults.{name}", "ours": defaults[name], "known": ", ".join(allowed)}
            raise MappingRefused(_("“%(name)s” says “%(ours)s”, which is none of: %(known)s.") % said)
    try:
        ZoneInfo(defaults["time_zone"])
    except (KeyError, ValueError, OSError) as error:
        zone = {"zone": defaults["time_zone"]}
        raise MappingRefused(_("“%(zone)s” is not a time zone.") % zone) from error
    return defaults
