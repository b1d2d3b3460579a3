"""Rows as lines of CSV in which no cell is a formula."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

# A spreadsheet runs what begins like this (OWASP, CSV injection); a leading apostrophe makes it text.
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What csv writes a line into, to get it back."""

    def write(self, line: str) -> str:
        return line


def lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The header and then each row, one line at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(DANGEROUS) else cell
