"""Emptying the test database: past the triggers that refuse it, and without what migrations seed."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db.backends.postgresql import base

from tests.backend.creation import DatabaseCreation

SEEDED = frozenset(
    {
        "orders_edge",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_migrations",
    }
)


class DatabaseOperations(base.DatabaseOperations):
    """Deletes the few rows that a test committed, as a superuser who has switched the triggers off.

    TRUNCATE of every table makes new files for each of them and its indexes: a tenth of a second of PostgreSQL's time
    after each test with real commits, and as much again of the disk's.
    """

    def sql_flush(
        self, style: Any, tables: Iterable[str], *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        """Nothing for Django: after a statement of its own it would write content types and permissions again, which
        nobody took away.
        """
        return []

    def execute_sql_flush(self, sql_list: Sequence[str]) -> None:
        with self.connection.cursor() as cursor:
            filled = self._filled(cursor)
            deletes = [f"DELETE FROM {self.quote_name(table)}" for table in filled]  # noqa: S608 - our own tables
            cursor.execute(";".join(["SET session_replication_role = replica", *deletes]))
            cursor.execute("RESET session_replication_role")

    def _filled(self, cursor: Any) -> list[str]:
        """The tables that have a row, seeded ones aside."""
        cursor.execute(self._looks)
        return [table for (table,) in cursor.fetchall()]

    @cached_property
    def _looks(self) -> str:
        """No test adds or drops a table, so that they are looked for once."""
        tables = sorted({*self.connection.introspection.table_names()} - SEEDED)
        looks = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM {self.quote_name(table)})" for table in tables]  # noqa: S608
        return " UNION ALL ".join(looks)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    creation_class = DatabaseCreation
