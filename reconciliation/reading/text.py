"""CSV as other people write it: any delimiter, with or without BOM, UTF-8, UTF-16 or Windows-1252.

A stray quote costs one row and not the rest of the file. A block without quotes, which most are, is split without
the csv module: that is what makes loading a million rows a matter of seconds.
"""

import codecs
import csv
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from reconciliation.reading.problems import FileRefused, Problem
from reconciliation.reading.rows import Block, Limits, Row

DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_RECORD: Final = 40  # lines; a quote still open after so many was never meant to open
BLOCK: Final = 1 << 20  # characters
_SAMPLE: Final = 40  # lines to find the delimiter by
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NULS: Final = 0.2  # share of a block from which it is no text in a single-byte encoding


class TextTable:
    """A CSV file. The constructor raises FileRefused where its encoding cannot be known."""

    def __init__(self, path: Path, limits: Limits, *, name: str = "") -> None:
        self.name = name or path.name
        self.width: int | None = None
        self.notes: list[Problem] = []
        self._path, self._limits = path, limits
        self.encoding = _encoding(path)
        if self.encoding == "cp1252":
            self.notes.append(Problem("windows_1252"))
        self.delimiter, self._skip = self._look()

    def rows(self) -> Iterator[Row]:
        """Every line that is not blank, glued where a quoted cell goes over several lines."""
        for piece in self.blocks():
            if isinstance(piece, Row):
                yield piece
            else:
                yield from piece.rows()

    def blocks(self) -> Iterator[Block | Row]:
        number, carried = 1 + self._skip, list[str]()
        for lines, is_last in self._blocks():
            waiting = carried + lines
            used = yield from self._records(waiting, number, is_last=is_last)
            carried, number = waiting[used:], number + used

    def _look(self) -> tuple[str, int]:
        """The delimiter, and how many lines do nothing but name it (`sep=;`, as Excel writes)."""
        with self._open() as file:
            lines = [line for line in (file.readline(self._limits.line) for _ in range(_SAMPLE)) if line.strip()]
        if lines and lines[0].casefold().startswith("sep=") and len(lines[0].rstrip("\n")) == 5:
            return lines[0][4], 1
        return max(DELIMITERS, key=lambda mark: _steadiness(lines, mark)), 0

    def _open(self) -> TextIO:
        return self._path.open(encoding=self.encoding, newline=None)

    def _blocks(self) -> Iterator[tuple[list[str], bool]]:
        with self._open() as file:
            for _ in range(self._skip):
                file.readline()
            rest, seen = "", 1 + self._skip
            while block := file.read(BLOCK):
                *lines, rest = (rest + block).split("\n")
                seen += len(lines)
                if len(rest) > self._limits.line:
                    raise FileRefused("long_line", line=seen, limit=f"{self._limits.line:,}")
                yield lines, False
            yield ([rest] if rest else []), True

    def _records(self, lines: list[str], number: int, *, is_last: bool) -> Generator[Block | Row, None, int]:
        """The rows of a block; returns how many of its lines they are. The rest wait for the next block."""
        cells = _at_once(lines, self.delimiter, self._limits.cell)
        if cells is None:
            return (yield from self._careful(lines, number, is_last=is_last))
        found = Block(number, lines, cells)
        if all(lines) and not any(map(str.isspace, lines)):
            yield found
        else:
            yield from (row for row in found.rows() if row.raw.strip())
        return len(lines)

    def _careful(self, lines: list[str], number: int, *, is_last: bool) -> Generator[Row, None, int]:
        at = 0
        while at < len(lines):
            size = _record_size(lines, at)
            if size is None and not is_last and len(lines) - at < LONGEST_RECORD:
                return at
            row = self._row(lines[at : at + (size or 1)], number + at)
            if row is None:
                row, size = self._row(lines[at : at + 1], number + at), 1
            if row is not None and row.raw.strip():
                yield row
            at += size or 1
        return at

    def _row(self, lines: Sequence[str], number: int) -> Row | None:
        """The record of these lines; None where several lines make no row of the table's width."""
        raw = "\n".join(lines)
        if len(lines) == 1 and raw.count('"') % 2:
            return Row(number, None, raw, Problem("open_quote"))
        if "\0" in raw:
            return Row(number, None, raw.replace("\0", "␀"), Problem("nul"))
        cells = _split(raw, self.delimiter, strict=len(lines) > 1)
        if len(lines) > 1 and len(cells) != (self.width or len(cells) or -1):
            return None
        if any(len(cell) > self._limits.cell for cell in cells):
            facts = {"limit": f"{self._limits.cell:,}"}
            return Row(number, None, raw[: self._limits.cell], Problem("long_cell", facts))
        return Row(number, cells, raw)


def _at_once(lines: Sequence[str], mark: str, longest: int) -> list[list[str]] | None:
    """The cells of every line, where each line is surely one row; otherwise None."""
    text = "\n".join(lines)
    if "\0" in text or max(map(len, lines), default=0) > longest:
        return None
    if '"' not in text:
        return [line.split(mark) for line in lines]
    if any(line.count('"') % 2 for line in lines):
        return None
    rows = list(csv.reader(lines, delimiter=mark))
    return rows if len(rows) == len(lines) else None


def _record_size(lines: Sequence[str], at: int) -> int | None:
    """How many lines the record at `at` goes over; None where its quote does not close soon enough."""
    quotes = 0
    for size, line in enumerate(lines[at : at + LONGEST_RECORD], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return None


def _split(raw: str, delimiter: str, *, strict: bool = False) -> list[str]:
    """The cells of one record; none where `strict` finds a closing quote in the middle of a cell."""
    csv.field_size_limit(max(csv.field_size_limit(), len(raw) + 1))
    try:
        return next(csv.reader(raw.splitlines(keepends=True), delimiter=delimiter, strict=strict), [])
    except csv.Error:
        return []


def _steadiness(lines: Sequence[str], mark: str) -> tuple[int, int]:
    """How many sample lines have the most usual number of cells, where that is more than one; then that number."""
    widths = Counter(len(_split(line.rstrip("\n"), mark)) for line in lines)
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(1, 0))
    return (count, width) if width > 1 else (0, 0)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(_UTF16):
        return _first_that_decodes(path, ("utf-16",))
    if head.count(0) > _NULS * len(head):
        raise FileRefused("binary")
    return _first_that_decodes(path, ("utf-8-sig", "cp1252"))


def _first_that_decodes(path: Path, encodings: Sequence[str]) -> str:
    for encoding in encodings:
        if _decodes(path, encoding):
            return encoding
    raise FileRefused("encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(BLOCK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
