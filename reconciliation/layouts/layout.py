"""A layout as data: which columns hold what, what their words mean, and how they write sums and times."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from reconciliation.layouts.problems import OF_LAYOUTS
from reconciliation.reading.problems import Problem
from reconciliation.states import EntryKind, Side

REFERENCES: Final = ("reference", "external_reference", "order_reference")
AMOUNTS: Final = ("amount", "credit", "debit")
TIMES: Final = ("occurred_at", "date", "time")
FIELDS: Final = (
    *REFERENCES,
    *("kind", "status", "method", "batch", "source", "currency"),
    *AMOUNTS,
    *("direction", "fee", "refunded"),
    *TIMES,
    "zone",
)
SKIP: Final = "skip"
# What a word may say of a row: whether it is money, or money that has gone back since.
STATUSES: Final = ("settled", "pending", "void", "refunded", "partly_refunded", "reversed", SKIP)
KINDS: Final = (*EntryKind.values, SKIP)
SIGNS: Final = ("kind", "signed", "direction", "columns")
DIRECTIONS: Final = ("credit", "debit")
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "side": Side.values,
    "sign": SIGNS,
    "decimal_mark": (".", ","),
    "amounts_in": ("major", "minor"),
    "default_kind": KINDS,
    "default_status": STATUSES,
}
_WORDS: Final[Mapping[str, Sequence[str] | None]] = {
    "kinds": KINDS,
    "statuses": STATUSES,
    "directions": DIRECTIONS,
    "methods": None,
}
_LONGEST: Final = 120


class LayoutRefused(Exception):
    """The layout cannot be used. `str(error)` is one sentence that says where it is wrong."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.problem = Problem(code, facts)

    def __str__(self) -> str:
        return str(OF_LAYOUTS[self.problem.code]) % self.problem.facts


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How to understand one kind of file.

    `columns`: for each field of ours the names a header may give it; several of them are read in turn until one is
    filled, except `kind`, whose columns are joined by "/", and `fee`, which are added up. Words (`kinds`,
    `statuses`, `methods`, `directions`) lead from theirs to ours, in any case and with `*` as a wildcard; the first
    that fits counts. `sign`: who says whether money comes or goes: the kind, the amount itself, a column of
    credit or debit, or two columns of amounts. `times`: formats of strptime beside ISO 8601; `zone` is that of
    times which name none. `equations`: a sum column and its signed parts, checked row by row.
    """

    title: str = ""
    side: str = Side.GATEWAY
    source: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    equations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    default_kind: str = EntryKind.PAYMENT
    default_status: str = "settled"
    sign: str = "kind"
    amounts_in: str = "major"
    decimal_mark: str = "."
    zone: str = "Asia/Jakarta"
    times: Sequence[str] = ()
    header_rows: int = 1
    total_words: Sequence[str] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From a TOML file, a form or the database. Raises LayoutRefused."""
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise LayoutRefused("entry", name=unknown[0])
        layout = cls(**{name: _shaped(name, value) for name, value in data.items()})
        layout._check()
        return layout

    @classmethod
    def from_toml(cls, text: str, *, over: "Layout | None" = None) -> Self:
        """A TOML text, laid over another layout entry by entry. Raises LayoutRefused."""
        try:
            own = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise LayoutRefused("toml", why=str(error).rstrip(".")) from error
        return cls.from_data(overlaid(over.as_data(), own) if over else own)

    def as_data(self) -> dict[str, Any]:
        """For JSON; `from_data` reads it back."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    def names_of(self, name: str) -> Sequence[str]:
        return self.columns.get(name, ())

    def _check(self) -> None:
        for name, allowed in _CHOICES.items():
            _demand_one_of(name, getattr(self, name), allowed)
        for name, words in _WORDS.items():
            for theirs, ours in getattr(self, name).items():
                if words is not None:
                    _demand_one_of(f"{name}.{theirs}", ours, words)
        for name in self.columns:
            _demand_one_of(f"columns.{name}", name, FIELDS)
        _check_zone(self.zone)
        self._check_needs()

    def _check_needs(self) -> None:
        if not self.lines and not any(self.names_of(name) for name in AMOUNTS):
            raise LayoutRefused("no_amount")
        if not any(self.names_of(name) for name in TIMES):
            raise LayoutRefused("no_time")
        if not any(self.names_of(name) for name in (*REFERENCES, "batch")):
            raise LayoutRefused("no_reference")


def overlaid(under: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over `under`: tables entry by entry, everything else as a whole."""
    tables = {
        name: {**under[name], **value}
        for name, value in own.items()
        if isinstance(value, Mapping) and isinstance(under.get(name), Mapping)
    }
    return {**under, **own, **tables}


def _shaped(name: str, value: Any) -> Any:
    """What a TOML file or a form may give for an entry, in the entry's own shape."""
    if name in {"columns", "equations", "lines"}:
        return {key: _texts(f"{name}.{key}", each) for key, each in _table(name, value).items()}
    if name in _WORDS:
        return {key: _text(f"{name}.{key}", each) for key, each in _table(name, value).items()}
    if name in {"times", "total_words"}:
        return _texts(name, value)
    if name == "header_rows":
        _demand_one_of(name, str(value), ("1", "2"))
        return int(value)
    return _text(name, value)


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise LayoutRefused("shape", name=name, shape="a table")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        raise LayoutRefused("shape", name=name, shape="a list of texts")
    return tuple(_text(name, each) for each in value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
        raise LayoutRefused("shape", name=name, shape="a short text")
    return value


def _demand_one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise LayoutRefused("value", name=name, value=value, known=", ".join(allowed))


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise LayoutRefused("zone", value=name) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple | list) else value
