"""ZIP files, and XLSX as the ZIP it is: what is inside, whether it is as large as it says, and out with it."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from reconciliation.reading.problems import FileRefused
from reconciliation.reading.rows import MEGABYTE, Limits

_CHUNK: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_NESTED: Final = frozenset({".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".tar", ".tgz"})
_NOT_DATA: Final = "__MACOSX/"
WORKBOOK_PART: Final = "xl/workbook.xml"
_FORMULA: Final = (b"<f>", b"<f ")


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is wrong with it while it is used becomes FileRefused."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, zlib.error) as error:
        raise FileRefused("broken_archive", why=str(error).rstrip(".") or type(error).__name__) from error


def entries(archive: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    """The files in it. Raises FileRefused where there are too many, or one is encrypted."""
    found = [each for each in archive.infolist() if not each.is_dir()]
    if len(found) > limits.entries:
        raise FileRefused("too_many_entries", count=len(found), limit=limits.entries)
    if any(each.flag_bits & _ENCRYPTED for each in found):
        raise FileRefused("encrypted")
    return found


def check_size(found: list[zipfile.ZipInfo], limit: int) -> None:
    """By what the archive says of itself. That it tells the truth is found while unpacking."""
    size = sum(each.file_size for each in found)
    if size > limit:
        raise FileRefused("unpacks_too_large", size=f"{size // MEGABYTE:,}", limit=f"{limit // MEGABYTE:,}")


def has_formulas(path: Path, limits: Limits) -> bool:
    """Unpacks everything once, keeping nothing: a part larger than it says fails here and not in the parser."""
    with opened(path) as archive:
        found = archive.infolist()
        check_size(found, limits.workbook)
        with_formulas = [each for each in found if _has_formulas(archive, each)]
        return bool(with_formulas)


def _has_formulas(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    is_sheet, seen, tail = entry.filename.startswith("xl/worksheets/"), False, b""
    with archive.open(entry) as part:
        while chunk := part.read(_CHUNK):
            seen = seen or (is_sheet and any(mark in tail + chunk for mark in _FORMULA))
            tail = chunk[-4:]
    return seen


def is_workbook(path: Path) -> bool:
    with opened(path) as archive:
        return WORKBOOK_PART in archive.namelist()


@contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[list[tuple[str, Path]]]:
    """The data files of an archive as (name inside, temporary file), in the archive's order."""
    with opened(path) as archive, TemporaryDirectory(prefix="load-") as folder:
        wanted = [each for each in entries(archive, limits) if _is_data(each.filename)]
        check_size(wanted, limits.unpacked)
        for entry in wanted:
            if PurePosixPath(entry.filename).suffix.casefold() in _NESTED:
                raise FileRefused("nested", name=entry.filename)
        if not wanted:
            raise FileRefused("no_table_inside")
        yield [(each.filename, _extract(archive, each, Path(folder) / str(at))) for at, each in enumerate(wanted)]


def _is_data(name: str) -> bool:
    return not name.startswith(_NOT_DATA) and not PurePosixPath(name).name.startswith(".")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> Path:
    """Under a name of ours: the archive's own may lead anywhere."""
    with archive.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            sink.write(chunk)
    return target
