"""What a reader hands out: tables of numbered rows, and the limits it keeps to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from reconciliation.reading.problems import Problem

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much of a foreign file is taken. Sizes in bytes, lengths in characters."""

    file: int = 2048 * MEGABYTE
    # An XLSX is held in memory while it is read: about twice its XML (measured: 524 MB of XML, 1.0 GB).
    workbook: int = 256 * MEGABYTE
    unpacked: int = 4096 * MEGABYTE
    entries: int = 50
    line: int = 1_000_000
    cell: int = 8_000
    rows: int = 20_000_000


class Row(NamedTuple):
    """One record. `number` is the line it begins on, the first being 1; `cells` is None where it is unreadable."""

    number: int
    cells: list[str] | None
    raw: str
    problem: Problem | None = None


class Block(NamedTuple):
    """Records of one line each that follow one another without a blank line; `number` is that of the first."""

    number: int
    lines: list[str]
    cells: list[list[str]]

    def rows(self) -> Iterator[Row]:
        return (Row(self.number + at, *row) for at, row in enumerate(zip(self.cells, self.lines, strict=True)))


class Table(Protocol):
    """One sheet or text file, readable from the top as often as wanted.

    `width`, set by whoever has found the header, lets the reader tell a stray quote from a cell of many lines.
    `notes` are what a person should know of how it was read.
    """

    name: str
    width: int | None
    notes: list[Problem]

    def rows(self) -> Iterator[Row]: ...

    def blocks(self) -> Iterator[Block | Row]:
        """As `rows`, but records that are surely one line each come together."""
        ...
