"""The first pass on another engine: the work that grows with the books, by the same SQL.

    with first_pass_of("duckdb") as judge:
        rows = judge(ours_csv, theirs_csv)

`<engine>.sql` is `reconciliation/engine/pass_0_one_each.sql` in the engine's own words, written by
`manage.py transpile_engine` and held to it by a test. Both books are read from CSV as PostgreSQL's COPY writes it,
with a header and the columns of COLUMNS; the result has the columns of RESULT. Everything after the first pass works
on what it left open, a small part, and stays in PostgreSQL. See docs/adr/0078.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ENGINES: Final = ("postgresql", "duckdb", "spark")
COLUMNS: Final = {"key": "text", "currency": "text", "counts_as": "int", "amount": "bigint", "business_date": "date"}
RESULT: Final = ("key", "currency", "verdict", "ours_lines", "theirs_lines", "ours_amount", "theirs_amount")
MODULES: Final = {"duckdb": "duckdb", "spark": "pyspark"}

Row = tuple[str | None, str, str, int, int, int, int]
FirstPass = Callable[[Path, Path], list[Row]]


class EngineMissing(Exception):
    """The engine's package (requirements-engines.txt), or Java for Spark, is not there. `str(error)` says which."""


def first_pass_of(engine: str) -> AbstractContextManager[FirstPass]:
    """A running engine; ended with the block. Raises EngineMissing."""
    if find_spec(MODULES[engine]) is None:
        raise EngineMissing(f"{MODULES[engine]} is not installed: install requirements-engines.txt.")
    if engine == "duckdb":
        return _duckdb()
    from reconciliation.engines.cluster import spark

    return spark()


def statement(engine: str) -> str:
    """The generated text; its tables are `ours` and `theirs`."""
    return (Path(__file__).parent / f"{engine}.sql").read_text()


@contextmanager
def _duckdb() -> Iterator[FirstPass]:
    import duckdb

    types = {name: {"text": "VARCHAR", "int": "INTEGER"}.get(type_, type_) for name, type_ in COLUMNS.items()}

    def judge(ours: Path, theirs: Path) -> list[Row]:
        for table, file in (("ours", ours), ("theirs", theirs)):
            book = database.read_csv(
                str(file),
                columns=types,
                header=True,
                delimiter=",",
                quotechar='"',
                escapechar='"',
                allow_quoted_nulls=False,
            )
            book.create_view(table)
        rows: list[Row] = database.execute(statement("duckdb")).fetchall()
        return rows

    with duckdb.connect() as database:
        yield judge
