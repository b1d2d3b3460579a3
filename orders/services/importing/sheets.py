"""CSV files as other people write them: any delimiter, with or without BOM, UTF-8 or cp1252."""

import codecs
import csv
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from orders.services.importing.mapping import Columns

DELIMITERS = (",", ";", "\t", "|")
LONGEST_RECORD = 40  # lines; a quote still open after so many was never meant to open
_CHUNK = 1 << 20


class SheetRefused(Exception):
    """The file as a whole cannot be taken. `str(error)` is one sentence."""


@dataclass(frozen=True)
class Line:
    """One record: where it starts (the header is line 1), as it came, and its cells or what ails it."""

    number: int
    raw: str
    cells: list[str] | None
    reason: str = ""


@dataclass(frozen=True)
class Sheet:
    """An open file: `place` says at which position of `cells` a field of ours is."""

    name: str
    place: dict[str, int]
    lines: Iterator[Line]


@contextmanager
def open_sheet(path: Path, columns: Columns) -> Iterator[Sheet]:
    """Read the header and hand out the records one by one. Raises SheetRefused."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        records = _Records(file)
        header = records.header(columns.of.values())
        place = _places(path.name, header, columns)
        yield Sheet(name=path.name, place=place, lines=records.rest(len(header)))


def _encoding(path: Path) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        if _decodes(path, encoding):
            return encoding
    raise SheetRefused(_("%(file)s is neither UTF-8 nor Windows-1252 text.") % {"file": path.name})


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    return False
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    except OSError as error:
        said = {"file": path.name, "why": error.strerror}
        raise SheetRefused(_("%(file)s cannot be read: %(why)s.") % said) from error
    return True


def _places(name: str, header: list[str], columns: Columns) -> dict[str, int]:
    twice = {column for column in header if column and header.count(column) > 1}
    if twice & set(columns.of.values()):
        said = {"file": name, "columns": ", ".join(sorted(twice))}
        raise SheetRefused(_("%(file)s has more than one column named %(columns)s.") % said)
    place = {ours: header.index(theirs) for ours, theirs in columns.of.items() if theirs in header}
    missing = sorted(columns.of[ours] for ours in columns.demanded - set(place))
    if missing:
        said = {"file": name, "missing": ", ".join(missing), "header": ", ".join(header)}
        raise SheetRefused(_("%(file)s has no column %(missing)s; its columns are: %(header)s.") % said)
    return place


class _Records:
    """Physical lines glued to records, so that one stray quote costs one record, not the rest."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._ahead: deque[str] = deque()
        self._number = 0
        self._delimiter = ","

    def header(self, wanted: Collection[str]) -> list[str]:
        """The names in the first line, by the delimiter that finds most of the wanted ones."""
        raw = self._next() or ""
        names = {mark: [cell.strip() for cell in _split(raw, mark)] for mark in DELIMITERS}
        self._delimiter = max(DELIMITERS, key=lambda mark: len(set(names[mark]) & set(wanted)))
        return names[self._delimiter]

    def rest(self, width: int) -> Iterator[Line]:
        while (first := self._next()) is not None:
            if first.strip():
                yield self._record(first, width)

    def _record(self, first: str, width: int) -> Line:
        number, parts = self._number, [first]
        while _is_open(parts) and len(parts) < LONGEST_RECORD:
            more = self._next()
            if more is None:
                break
            parts.append(more)
        raw = "".join(parts)
        cells = _split(raw, self._delimiter)
        if len(cells) == width and not _is_open(parts):
            return Line(number, raw.rstrip("\r\n"), cells)
        self._give_back(parts[1:])
        return Line(number, first.rstrip("\r\n"), None, _ailment(first, self._delimiter, width))

    def _next(self) -> str | None:
        line = self._ahead.popleft() if self._ahead else next(self._file, None)
        self._number += line is not None
        return line

    def _give_back(self, lines: list[str]) -> None:
        self._ahead.extendleft(reversed(lines))
        self._number -= len(lines)


def _is_open(parts: list[str]) -> bool:
    return sum(part.count('"') for part in parts) % 2 == 1


def _split(raw: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([raw.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []


def _ailment(raw: str, delimiter: str, width: int) -> str:
    if _is_open([raw]):
        return _("a quote is opened and never closed")
    said = {"found": len(_split(raw, delimiter)), "wanted": width}
    return _("it has %(found)s columns, the header has %(wanted)s") % said
