"""SQL that takes longer to plan than to run: the server keeps its plan for as long as the connection lives.

The stuck list's is 40,000 characters: 36 ms to plan, 2 to 4 to run on the demo's orders. PostgreSQL plans it five times
with its values; then it goes on without them, where it does not expect that to cost more
(https://www.postgresql.org/docs/current/sql-prepare.html, "Notes", read 2026-11-28).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.db import connection

_PLACES: Final = re.compile(r"%\((\w+)\)s|%%")


class _Prepared(psycopg.RawCursor[Any]):
    """Prepares at the first time, not at the fifth."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        return super().execute(query, params, **{**more, "prepare": True})


def fetch_prepared(statement: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows by column name. What differs from call to call is in `params`, named `%(so)s` in the text.

    Where nothing may be prepared (DATABASE_PREPARED), the driver puts the values into the text as it does for others.
    """
    with connection.cursor() as plain:  # opened, or opened anew where it did not live
        if not connection.settings_dict["OPTIONS"].get("prepare_threshold"):
            return rows_of(plain, statement, params)
        text, names = _numbered(statement)
        # Django wraps what the driver calls a cursor, so that errors and counts are those of any other query.
        wrap: Any = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
        with _Prepared(connection.connection) as raw:
            return rows_of(wrap(raw), text, [params[name] for name in names])


def rows_of(cursor: Any, statement: str, params: Any) -> list[dict[str, Any]]:
    """Of one statement, by column name."""
    cursor.execute(statement, params)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@lru_cache(maxsize=128)
def _numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """With PostgreSQL's own `$1`, and the names in their order: the driver would look through the text each time."""
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

    return _PLACES.sub(place, statement), tuple(names)
