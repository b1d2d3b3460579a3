"""Running the engine's SQL: each file of `reconciliation/engine` is one step that an auditor can read."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.db import connection
from psycopg import sql
from psycopg.sql import Composable

import reconciliation

FOLDER: Final = Path(reconciliation.__file__).parent / "engine"


@lru_cache(maxsize=64)
def text(name: str) -> str:
    """The statements of `engine/<name>.sql`."""
    return (FOLDER / f"{name}.sql").read_text()


def run(name: str, params: Mapping[str, Any] | None = None) -> list[Any]:
    """Run `engine/<name>.sql`; the rows of its last statement, if that has any."""
    return execute(text(name), params)


def filled(template: str, **values: Any) -> Composable:
    """A statement with `%(name)s` replaced by literals, for use inside a larger one."""
    parts = [part.partition(")s") for part in f")s{template}".split("%(")]
    return sql.Composed(
        piece
        for name, _end, rest in parts
        for piece in ([sql.Literal(values[name])] if name else []) + [sql.SQL(rest)]  # type: ignore[arg-type]
    )


def execute(statement: str, params: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        while cursor.nextset():
            pass
        return list(cursor.fetchall()) if cursor.description else []
