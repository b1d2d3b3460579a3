"""How a bug gets into the processes of a run: they start with the settings of the tests, which plant it.

Nothing of the application knows of bugs. Without the tests beside it there is nothing to plant (ADR 0051).
"""

from importlib import import_module
from importlib.util import find_spec

from django.db import connection

SETTINGS = "tests.planted.settings"
BUGS, SQL = "tests.planted.bugs", "tests.planted.sql"
NAME = "PLANTED_BUG"


class NoSuchBug(Exception):
    """It cannot be planted; the message is one sentence."""


def environment(bug: str) -> dict[str, str]:
    """What the processes of the platform are to start with."""
    if find_spec("tests") is None or find_spec(BUGS) is None:
        raise NoSuchBug("bugs are planted by the settings of the tests, and there are no tests here.")
    known = sorted(import_module(BUGS).BUGS)
    if bug not in known:
        raise NoSuchBug(f"no bug is called {bug!r}; there are {', '.join(known)}.")
    return {"DJANGO_SETTINGS_MODULE": SETTINGS, NAME: bug}


def plant_in_database(bug: str) -> None:
    """The part of it that lives in PostgreSQL. Only of a database that is thrown away."""
    if statements := import_module(SQL).statements(bug):
        with connection.cursor() as cursor:
            cursor.execute(statements)
