"""Making the test database: migrated once, copied by every other parallel worker."""

import os
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.backends.postgresql import creation

from opsconsole.embedded.locks import held
from opsconsole.testing import TEMPLATE_LOCK, parallel_worker

TEMPLATE: Final = "test_template"


class DatabaseCreation(creation.DatabaseCreation):
    """Whoever comes first migrates and leaves a copy for the others. Only where servers end with the session, because
    a copy that outlives it would grow old.
    """

    def create_test_db(self, *arguments: Any, **options: Any) -> str:
        lock = os.environ.get(TEMPLATE_LOCK)
        if lock is None or parallel_worker() is None:
            return super().create_test_db(*arguments, **options)
        with held(Path(lock)):
            return self._copied() if self._has_template() else self._migrated(*arguments, **options)

    def _migrated(self, *arguments: Any, **options: Any) -> str:
        name = super().create_test_db(*arguments, **options)
        self.connection.close()  # nobody may be connected to what is copied
        self._copy(name, TEMPLATE)
        return name

    def _copied(self) -> str:
        name = self._get_test_db_name()
        self._copy(TEMPLATE, name)
        self.connection.close()
        settings.DATABASES[self.connection.alias]["NAME"] = self.connection.settings_dict["NAME"] = name
        return name

    def _copy(self, source: str, target: str) -> None:
        with self._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {self._quote_name(target)} TEMPLATE {self._quote_name(source)}")

    def _has_template(self) -> bool:
        with self._nodb_cursor() as cursor:
            return self._database_exists(cursor, TEMPLATE)
