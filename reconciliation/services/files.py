"""Where files wait and are kept: once each, under the digest of their content, below `settings.LOADS_DIR`."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from django.conf import settings

from reconciliation.reading import FileRefused, Limits
from reconciliation.reading.rows import MEGABYTE

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Kept:
    """A file in the store."""

    name: str
    digest: bytes
    size: int


def keep(chunks: Iterable[bytes], *, name: str) -> Kept:
    """Write a file down as it comes in. Raises FileRefused where it is larger than any file may be."""
    folder = Path(settings.LOADS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with NamedTemporaryFile(dir=folder, prefix="incoming-", delete=False) as file:
        try:
            for chunk in _within(chunks, Limits().file):
                size += file.write(chunk)
                digest.update(chunk)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    target = f"{digest.hexdigest()}{_suffix(name)}"
    Path(file.name).replace(folder / target)
    return Kept(target, digest.digest(), size)


def _within(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FileRefused("too_large", size=f"> {limit // MEGABYTE:,}", limit=f"{limit // MEGABYTE:,}")
        yield chunk


def kept(name: str) -> Kept | None:
    """What is kept under this name; None where nothing is."""
    path = path_of(name)
    digest = path.name.partition(".")[0]
    if len(digest) != 64 or not path.is_file():
        return None
    return Kept(path.name, bytes.fromhex(digest), path.stat().st_size)


def chunks_of(path: Path) -> Iterator[bytes]:
    """Raises FileRefused where the file cannot be read."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise FileRefused("unreadable", why=error.strerror or type(error).__name__) from error


def path_of(name: str) -> Path:
    return Path(settings.LOADS_DIR) / Path(name).name


def _suffix(name: str) -> str:
    """For people who look into the folder; what a file is, its first bytes say."""
    suffix = Path(name).suffix.casefold()
    return suffix if suffix in {".csv", ".txt", ".tsv", ".xlsx", ".xls", ".zip"} else ""
