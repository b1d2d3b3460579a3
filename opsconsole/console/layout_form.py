"""The mapping editor: a layout as fields of a form, and what somebody made of them back into a layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reconciliation.layouts import Layout, LayoutRefused
from reconciliation.layouts.field_labels import FIELD_LABELS
from reconciliation.layouts.headers import normal
from reconciliation.layouts.layout import KINDS, SIGNS, SKIP, STATUSES
from reconciliation.states import EntryKind

SIGN_LABELS: Final[Mapping[str, Promise]] = {
    "kind": _("by the kind: refunds and fees go out"),
    "signed": _("by the minus in the amount"),
    "direction": _("by the column debit or credit"),
    "columns": _("by two columns, credit and debit"),
}
MARK_LABELS: Final[Mapping[str, Promise]] = {".": _("point: 1,234.50"), ",": _("comma: 1.234,50")}
UNIT_LABELS: Final[Mapping[str, Promise]] = {"major": _("whole units: 1234.50"), "minor": _("smallest units: 123450")}
STATUS_LABELS: Final[Mapping[str, Promise]] = {
    "settled": _("settled"),
    "pending": _("pending"),
    "void": _("void"),
    "refunded": _("refunded later"),
    "partly_refunded": _("partly refunded later"),
    "reversed": _("reversed later"),
    SKIP: _("leave the row out"),
}
_MOST_WORDS: Final = 200


@dataclass(frozen=True)
class ColumnField:
    """One field of ours, the column it is read from, and those that the layout reads beside it."""

    name: str
    label: Promise
    chosen: str
    more: Sequence[str]


@dataclass(frozen=True)
class Editor:
    """All that the form shows of a layout."""

    layout: Layout
    fields: Sequence[ColumnField]
    columns: Sequence[str]

    @property
    def signs(self) -> list[tuple[str, Promise]]:
        return [(name, SIGN_LABELS[name]) for name in SIGNS]

    @property
    def marks(self) -> list[tuple[str, Promise]]:
        return list(MARK_LABELS.items())

    @property
    def units(self) -> list[tuple[str, Promise]]:
        return list(UNIT_LABELS.items())

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        return [*EntryKind.choices, (SKIP, STATUS_LABELS[SKIP])]

    @property
    def words(self) -> list[tuple[str, Promise, str, str]]:
        """Tables of words: name, label, the text of the box, and the words it may lead to."""
        known = {"kinds": ", ".join(KINDS), "statuses": ", ".join(STATUSES), "methods": ""}
        labels = {"kinds": _("Words for the kind"), "statuses": _("Words for the status"), "methods": _("Methods")}
        return [(name, labels[name], _written(getattr(self.layout, name)), known[name]) for name in labels]

    @property
    def times(self) -> str:
        return "\n".join(self.layout.times)


def editor(layout: Layout, *, columns: Sequence[str], places: Mapping[str, Sequence[str]]) -> Editor:
    """`columns`: the header of the file; `places`: where the layout found each field in it."""
    fields = [
        ColumnField(name, label, *_first(places.get(name) or _guessed(layout.names_of(name), columns)))
        for name, label in FIELD_LABELS.items()
    ]
    return Editor(layout, fields, [column for column in dict.fromkeys(columns) if column])


def edited(base: Layout, posted: QueryDict, *, places: Mapping[str, Sequence[str]]) -> Layout:
    """The base with what the form says. Raises LayoutRefused."""
    columns = {name: list(names) for name, names in base.columns.items()}
    for name in FIELD_LABELS:
        if f"col-{name}" not in posted:
            continue
        chosen = posted.get(f"col-{name}", "")[:120]
        found = places.get(name) or ()
        if chosen != (found[0] if found else ""):
            columns[name] = [chosen] if chosen else []
    data = base.as_data() | {"columns": {name: names for name, names in columns.items() if names}}
    for name in ("sign", "decimal_mark", "amounts_in", "default_kind", "zone"):
        if name in posted:
            data[name] = posted.get(name, "").strip()
    if "times" in posted:
        data["times"] = [line.strip() for line in posted.get("times", "").splitlines() if line.strip()]
    for name in ("kinds", "statuses", "methods"):
        if name in posted:
            data[name] = _read(posted.get(name, ""))
    return Layout.from_data(data)


def _read(text: str) -> dict[str, str]:
    """Lines of `theirs = ours`."""
    words: dict[str, str] = {}
    for line in text.splitlines()[:_MOST_WORDS]:
        theirs, mark, ours = line.rpartition("=")
        if not line.strip():
            continue
        if not mark or not theirs.strip():
            raise LayoutRefused("word", line=line.strip()[:60])
        words[theirs.strip()] = ours.strip()
    return words


def _written(words: Mapping[str, str]) -> str:
    return "\n".join(f"{theirs} = {ours}" for theirs, ours in words.items())


def _first(found: Sequence[str]) -> tuple[str, Sequence[str]]:
    return (found[0], found[1:]) if found else ("", ())


def _guessed(names: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    """Where the file does not fit as a whole: the columns that bear one of the layout's names all the same."""
    wanted = {normal(name) for name in names}
    return [column for column in columns if normal(column) in wanted][:1]
