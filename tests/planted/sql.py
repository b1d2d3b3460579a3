"""The part of a bug that lives in PostgreSQL."""

from opsconsole.paths import PROJECT
from tests.planted.bugs import NO_GUARD_SQL, Change
from tests.planted.importing import changed

HISTORY = PROJECT / "orders" / "sql" / "history.sql"


def statements(bug: str) -> str:
    """What plants it; empty where it is in Python only. `HISTORY` itself takes it back."""
    if bug != "no-guard":
        return ""
    return changed(HISTORY.read_text(), [Change(HISTORY.name, *NO_GUARD_SQL)])
