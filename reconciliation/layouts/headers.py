"""Finding the header of a layout in a table, and reading what is under it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from reconciliation.layouts.layout import AMOUNTS, REFERENCES, TIMES, Layout
from reconciliation.layouts.reader import Refused, RowReader
from reconciliation.lines import Columns, Line
from reconciliation.reading.problems import FileRefused, Problem
from reconciliation.reading.rows import Block, Row, Table

_LONGEST_WORD: Final = 30  # what is longer is no word for a total
AT_ONCE: Final = 1_000  # rows; one among them that is not plain has all of them read one by one
DEEPEST: Final = 20  # rows within which the header must begin; reports have a title above it


class Taken(NamedTuple):
    """What some rows became: their lines, or one row and what is wrong with it."""

    rows: int
    lines: list[Line] | Columns
    refused: tuple[Row, Problem] | None = None


@dataclass
class Fitted:
    """A table with its header found. `rows` gives what each row under it became."""

    table: Table
    layout: Layout
    header: list[str]
    header_row: int
    place: Mapping[str, Sequence[int]]
    reader: RowReader
    claims: list[tuple[str, int]] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[Row, list[Line] | Problem]]:
        """Each row with its lines, or with what is wrong with it. Total lines go to `claims` instead."""
        for row in self.table.rows():
            if said := self._one(row):
                yield said

    def blocks(self) -> Iterator[Taken]:
        """As `rows`, but many rows at once where they are plain."""
        for piece in self.table.blocks():
            yield from self._each([piece]) if isinstance(piece, Row) else self._many(piece)

    def _each(self, rows: Iterable[Row]) -> Iterator[Taken]:
        for row, said in filter(None, map(self._one, rows)):
            yield Taken(1, [], (row, said)) if isinstance(said, Problem) else Taken(1, said)

    def _many(self, block: Block) -> Iterator[Taken]:
        for at in range(max(0, self.header_row + 1 - block.number), len(block.lines), AT_ONCE):
            few = Block(block.number + at, block.lines[at : at + AT_ONCE], block.cells[at : at + AT_ONCE])
            lines = self.reader.read_all(few.number, few.cells) if self._is_plain(few) else None
            yield from self._each(few.rows()) if lines is None else [Taken(len(few.lines), lines)]

    def _is_plain(self, block: Block) -> bool:
        """Whether no row is a total, too short or long, or holds what `_tidy` would take away."""
        text = "".join(block.lines)
        return (
            text.isprintable()
            and "\\" not in text
            and set(map(len, block.cells)) == {len(self.header)}
            and not (self._total_words and self._may_have_total([cells[0] for cells in block.cells]))
        )

    def _may_have_total(self, firsts: Sequence[str]) -> bool:
        """An empty first cell may stand before a total, too. Cells are compared only if a word occurs at all."""
        if not all(map(str.strip, firsts)):
            return True
        text = "\n".join(firsts).casefold()
        return any(word in text for word in self._total_words) and bool(set(map(_as_word, firsts)) & self._total_words)

    @cached_property
    def _total_words(self) -> set[str]:
        return {word.casefold() for word in self.layout.total_words}

    def _one(self, row: Row) -> tuple[Row, list[Line] | Problem] | None:
        """What a row became; None above the header, and for a total line."""
        width = len(self.header)
        if row.number <= self.header_row:
            return None
        if row.cells is None:
            return row, row.problem or Problem("columns", {"found": 0, "wanted": width})
        cells = row.cells if len(row.cells) == width else _fitting(row.cells, width)
        if self._total_words and self._is_total(row.cells):
            return None
        if cells is None:
            return row, Problem("columns", {"found": len(row.cells), "wanted": width})
        if "\\" in row.raw or not row.raw.isprintable():
            cells = [_tidy(cell) for cell in cells]
        try:
            return row, self.reader.read(row.number, cells)
        except Refused as refused:
            return row, refused.problem

    def _is_total(self, cells: Sequence[str]) -> bool:
        first = next((cell for cell in cells if cell and not cell.isspace()), "")
        if len(first) > _LONGEST_WORD or _as_word(first) not in self._total_words:
            return False
        padded = [*cells, *[""] * (len(self.header) - len(cells))]
        claim = self.reader.claimed(padded)
        if claim is not None:
            self.claims.append(claim)
        return claim is not None


def _as_word(cell: str) -> str:
    return cell.strip().casefold().rstrip(":").strip()


def fit(tables: Iterable[Table], layout: Layout, *, currency: str = "") -> list[Fitted]:
    """Every table with this layout's header. Raises FileRefused, which names what is missing, where none has it."""
    tables = list(tables)
    fitted = [found for table in tables if (found := _fit(table, layout, currency))]
    if not fitted:
        raise _no_header(tables, layout)
    return fitted


def _fit(table: Table, layout: Layout, currency: str) -> Fitted | None:
    ahead = list(islice(table.rows(), DEEPEST + layout.header_rows))
    for at in range(min(len(ahead), DEEPEST)):
        header = _header(ahead[at : at + layout.header_rows])
        place = _places(header, layout)
        if not _missing(place, layout):
            _refuse_doubles(header, place)
            table.width = len(header)
            last = ahead[at + layout.header_rows - 1].number
            return Fitted(table, layout, header, last, place, RowReader(layout, place, currency=currency))
    return None


def _header(rows: Sequence[Row]) -> list[str]:
    """One row of names, or two: then a group's name, written once over its columns, stands before each of them."""
    if not rows or any(row.cells is None for row in rows):
        return []
    names = [[cell.strip() for cell in row.cells or ()] for row in rows]
    while len(rows) == 1 and names[0] and not names[0][-1]:
        names[0].pop()
    if len(rows) == 1:
        return names[0]
    width = max(map(len, names))
    upper, lower = ([*row, *[""] * (width - len(row))] for row in names)
    groups = _filled(upper, lower)
    return [" ".join(part for part in pair if part) for pair in zip(groups, lower, strict=True)]


def _filled(upper: list[str], lower: list[str]) -> list[str]:
    groups, last = [], ""
    for name, below in zip(upper, lower, strict=True):
        last = name or (last if below else "")
        groups.append(last)
    return groups


def normal(name: str) -> str:
    """A name as it is compared: small letters and digits, whatever stands between them."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _places(header: Sequence[str], layout: Layout) -> dict[str, list[int]]:
    """Where each field stands; `=name` is a column that the layout's own sums name."""
    known: dict[str, list[int]] = {}
    for at, name in enumerate(header):
        known.setdefault(normal(name), []).append(at)
    place = {
        name: [known[normal(each)][0] for each in theirs if normal(each) in known]
        for name, theirs in layout.columns.items()
    }
    return {name: at for name, at in place.items() if at} | {
        f"={each}": known[normal(each)][:1] for each in _summed(layout) if normal(each) in known
    }


def _summed(layout: Layout) -> set[str]:
    parts = [*layout.equations, *(each for names in layout.equations.values() for each in names)]
    parts += [each for names in layout.lines.values() for each in names]
    return {each.removeprefix("-") for each in parts}


def _missing(place: dict[str, list[int]], layout: Layout) -> list[tuple[str, str]]:
    """What the header lacks: our field, and what the layout calls it. A column of its sums is no field of ours."""
    groups = [REFERENCES if not layout.lines else (*REFERENCES, "batch"), TIMES]
    if not layout.lines:
        groups.append(AMOUNTS)
    missing = [_named(group, layout) for group in groups if not any(name in place for name in group)]
    if layout.sign == "direction" and "direction" not in place:
        missing.append(_named(("direction",), layout))
    missing += [("", each) for each in sorted(_summed(layout)) if f"={each}" not in place]
    return missing


def _named(group: Sequence[str], layout: Layout) -> tuple[str, str]:
    named = [name for name in group if layout.names_of(name)]
    return (named or group)[0], " / ".join(layout.names_of(name)[0] for name in named)


def _refuse_doubles(header: Sequence[str], place: dict[str, list[int]]) -> None:
    used = {normal(header[at]) for places in place.values() for at in places}
    seen = [normal(name) for name in header]
    twice = sorted({name for name in header if normal(name) in used and seen.count(normal(name)) > 1})
    if twice:
        raise FileRefused("header_twice", columns=", ".join(twice))


def _no_header(tables: Sequence[Table], layout: Layout) -> FileRefused:
    """By the row that comes nearest: the one with the most names of the layout, or else the first."""
    rows = [row for table in tables for row in islice(table.rows(), DEEPEST) if row.cells]
    if not rows:
        return FileRefused("empty")
    best = max(rows, key=lambda row: len(_places(row.cells or [], layout)))
    header = [cell.strip() for cell in best.cells or [] if cell.strip()]
    missing = _missing(_places(best.cells or [], layout), layout)
    facts = {"missing": ", ".join(names or field for field, names in missing), "found": ", ".join(header)[:300]}
    return FileRefused("header", layout=layout.title or "?", lacks=missing, **facts)


def _fitting(cells: list[str], width: int) -> list[str] | None:
    """A row that is short or long by empty cells only is the same row."""
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    return None


def _tidy(cell: str) -> str:
    """Without what could be taken for a separator on the way into the database."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in cell).split())
