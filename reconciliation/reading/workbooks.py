"""XLSX and XLS by calamine. Cells become text as a person would have typed it into a CSV."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import python_calamine

from reconciliation.reading.problems import FileRefused, Problem
from reconciliation.reading.rows import Block, Limits, Row

# A spreadsheet keeps 15 digits of a number; what has more was rounded before we saw it.
_EXACT: Final = 10**15


class SheetTable:
    """One sheet of a workbook."""

    def __init__(self, sheet: python_calamine.CalamineSheet, name: str, limits: Limits, notes: list[Problem]) -> None:
        self.name, self.notes = name, notes
        self.width: int | None = None
        self._sheet, self._limits = sheet, limits
        self._left = sheet.start[1] if sheet.start else 0  # calamine drops empty columns at the left, but no rows

    def rows(self) -> Iterator[Row]:
        """Rows as the spreadsheet numbers them; empty ones are left out."""
        for number, values in enumerate(self._sheet.iter_rows(), 1):
            if any(value != "" for value in values):
                yield self._row(number, values)

    def blocks(self) -> Iterator[Block | Row]:
        return self.rows()

    def _row(self, number: int, values: list[Any]) -> Row:
        cells = [_text(value) for value in values]
        raw = ";".join(cells)
        for place, (value, cell) in enumerate(zip(values, cells, strict=True)):
            if problem := self._ailment(value, cell, place, number):
                return Row(number, None, raw[: self._limits.cell], problem)
        return Row(number, cells, raw)

    def _ailment(self, value: Any, cell: str, place: int, number: int) -> Problem | None:
        if isinstance(value, float) and abs(value) >= _EXACT:
            return Problem("rounded_number", {"cell": f"{_letters(self._left + place)}{number}"})
        if "\0" in cell:
            return Problem("nul")
        if len(cell) > self._limits.cell:
            return Problem("long_cell", {"limit": f"{self._limits.cell:,}"})
        return None


def sheets(path: Path, limits: Limits, *, name: str, notes: list[Problem]) -> list[SheetTable]:
    """Every sheet with something in it. Raises FileRefused."""
    try:
        workbook = python_calamine.load_workbook(str(path))
        found = [workbook.get_sheet_by_name(each) for each in workbook.sheet_names]
    except python_calamine.PasswordError as error:
        raise FileRefused("encrypted") from error
    except (python_calamine.CalamineError, python_calamine.XmlError, python_calamine.ZipError, OSError) as error:
        raise FileRefused("workbook", why=str(error).rstrip(".") or type(error).__name__) from error
    return [SheetTable(each, _named(name, each.name), limits, list(notes)) for each in found if each.height]


def _named(file: str, sheet: str) -> str:
    return f"{file}/{sheet}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)  # dates and times, as ISO 8601 with a blank


def _letters(place: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    letters, left = "", place + 1
    while left:
        left, digit = divmod(left - 1, 26)
        letters = chr(65 + digit) + letters
    return letters
