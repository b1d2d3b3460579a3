"""`manage.py transpile_engine`: write the first pass anew for the other engines, after its SQL has changed."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from reconciliation import engines
from reconciliation.engines.transpiled import DIALECTS, transpiled


class Command(BaseCommand):
    help = "Write reconciliation/engines/<engine>.sql from reconciliation/engine/pass_0_one_each.sql (needs sqlglot)."

    def handle(self, *args: Any, **options: Any) -> None:
        for engine in DIALECTS:
            file = Path(engines.__file__).parent / f"{engine}.sql"
            file.write_text(transpiled(engine))
            self.stdout.write(f"{file.name} written")
