"""The row of a file that a line of a book was read from, as it came."""

from dataclasses import dataclass
from typing import Final

from reconciliation.models import Entry, Load
from reconciliation.reading import FileRefused, open_tables
from reconciliation.services.files import kept, path_of

ROWS_BEFORE: Final = 1  # rows shown above it
ROWS_AFTER: Final = 2  # one payment may be several rows, as in Xendit's reports
FARTHEST: Final = 2_000_000  # rows that are read for it: some seconds
HEADER: Final = 1


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows around a line with their numbers, oldest first; `why` says why there are none: a code."""

    rows: list[tuple[int, str]]
    line: int
    why: str = ""


def raw_rows(entry: Entry) -> RawRows:
    """Reads the kept file from its top. `why`: no_file (read in pages), gone, far, or unreadable."""
    load = Load.objects.get(pk=entry.load_id)
    if not load.file:
        return RawRows([], entry.line, "no_file")
    if kept(load.file) is None:
        return RawRows([], entry.line, "gone")
    if entry.line > FARTHEST:
        return RawRows([], entry.line, "far")
    try:
        return RawRows(_around(load, entry.line), entry.line)
    except FileRefused:
        return RawRows([], entry.line, "unreadable")


def _around(load: Load, line: int) -> list[tuple[int, str]]:
    """Of the first table that is long enough: a file of several tells more by its own page."""
    with open_tables(path_of(load.file)) as tables:
        for table in tables:
            found: list[tuple[int, str]] = []
            for row in table.rows():
                if row.number == HEADER or line - ROWS_BEFORE <= row.number <= line + ROWS_AFTER:
                    found.append((row.number, row.raw))
                if row.number > line + ROWS_AFTER:
                    break
            if any(number == line for number, _raw in found):
                return found
    return []
