"""Taking both books to another engine for the first pass, and its result back."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.conf import settings
from django.db import connection

from reconciliation.engines import COLUMNS, RESULT, FirstPass, Row
from reconciliation.services import engine

_TABLE: Final = (
    'key text COLLATE "C", currency text COLLATE "C", verdict text, ours_lines bigint, theirs_lines bigint,'
    " ours_amount numeric, theirs_amount numeric"
)


def judged_elsewhere(judge: FirstPass) -> int:
    """Fill `first_pass` by `judge` over the views `ours` and `theirs`; how many rows that made.

    The files lie below LOADS_DIR, which the workers of a cluster must see under the same name.
    """
    Path(settings.LOADS_DIR).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.LOADS_DIR, prefix="books-") as folder:
        files = [_written(Path(folder) / f"{book}.csv", book) for book in ("ours", "theirs")]
        rows = judge(*files)
    engine.execute(f"CREATE TEMP TABLE first_pass ({_TABLE}) ON COMMIT DROP")
    _taken_back(rows)
    return len(rows)


def _written(file: Path, book: str) -> Path:
    query = f"SELECT {', '.join(COLUMNS)} FROM {book}"  # noqa: S608 - our own views
    with (
        file.open("wb") as target,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy,
    ):
        for block in copy:
            target.write(block)
    return file


def _taken_back(rows: Iterable[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY first_pass ({', '.join(RESULT)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
