"""What a file is, by its first bytes and never by its name, and the tables in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from reconciliation.reading import archives
from reconciliation.reading.problems import FileRefused, Problem
from reconciliation.reading.rows import MEGABYTE, Limits, Table
from reconciliation.reading.text import TextTable
from reconciliation.reading.workbooks import sheets

_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_OLE: Final = b"\xd0\xcf\x11\xe0"  # XLS, and also an XLSX behind a password
_NEVER: Final = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"GIF8", b"7z\xbc\xaf", b"Rar!")


@contextmanager
def open_tables(path: Path, limits: Limits | None = None) -> Iterator[list[Table]]:
    """Every table of the file: one of a CSV, one per sheet, and those of each file in an archive.

    Raises FileRefused, also while rows are read.
    """
    limits = limits or Limits()
    try:
        with ExitStack() as stack:
            yield _tables(path, limits, stack, name=path.name, is_nested=False)
    except OSError as error:
        raise FileRefused("unreadable", why=error.strerror or type(error).__name__) from error


def _tables(path: Path, limits: Limits, stack: ExitStack, *, name: str, is_nested: bool) -> list[Table]:
    head = _head(path, limits)
    if head.startswith(_NEVER):
        raise FileRefused("not_a_table")
    if head.startswith(_EMPTY_ZIP):
        raise FileRefused("no_table_inside")
    if head.startswith(_OLE):
        return [*sheets(path, limits, name=name, notes=[])]
    if head.startswith(_ZIP):
        return _zipped(path, limits, stack, name=name, is_nested=is_nested)
    return [TextTable(path, limits, name=name)]


def _head(path: Path, limits: Limits) -> bytes:
    size = path.stat().st_size
    if size > limits.file:
        raise FileRefused("too_large", size=f"{size // MEGABYTE:,}", limit=f"{limits.file // MEGABYTE:,}")
    with path.open("rb") as file:
        head = file.read(8)
    if not head.strip():
        raise FileRefused("empty")
    return head


def _zipped(path: Path, limits: Limits, stack: ExitStack, *, name: str, is_nested: bool) -> list[Table]:
    if archives.is_workbook(path):
        notes = [Problem("formulas")] if archives.has_formulas(path, limits) else []
        return [*sheets(path, limits, name=name, notes=notes)]
    if is_nested:
        raise FileRefused("nested", name=name)
    found = stack.enter_context(archives.unpacked(path, limits))
    return [
        table for inner, file in found for table in _tables(file, limits, stack, name=f"{name}/{inner}", is_nested=True)
    ]
