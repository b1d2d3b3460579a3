"""Emptying the test database: past the triggers that refuse it, and without what migrations seed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.backends.postgresql import base

SEEDED = frozenset(
    {
        "orders_edge",
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
    }
)


class DatabaseOperations(base.DatabaseOperations):
    """Truncates as a superuser who has switched the triggers off, as `test_tampering` does."""

    def sql_flush(
        self, style: Any, tables: Iterable[str], *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        emptied = [table for table in tables if table not in SEEDED]
        return super().sql_flush(style, emptied, reset_sequences=reset_sequences, allow_cascade=allow_cascade)

    def execute_sql_flush(self, sql_list: Sequence[str]) -> None:
        super().execute_sql_flush(
            ["SET session_replication_role = replica", *sql_list, "RESET session_replication_role"]
        )


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
