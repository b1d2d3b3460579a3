"""The oracle can fail: each planted bug is seen, and the same stories without a bug show nothing."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from opsconsole.chaos.evidence import gather
from opsconsole.chaos.findings import SAFETY, Finding
from opsconsole.chaos.planting import NoSuchBug, environment
from opsconsole.chaos.safety import Safety
from opsconsole.paths import PROJECT
from opsconsole.sandbox.books import Books
from tests.opsconsole.scenarios.rows import free_row
from tests.planted.bugs import BUGS
from tests.planted.importing import Planter, changed
from tests.planted.sql import HISTORY, statements
from tests.planted.stories import STORIES

processes = [pytest.mark.processes, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def _database_url() -> str:
    known = connection.settings_dict
    where = f"{known['HOST']}:{known['PORT']}" if known["PORT"] else ""
    options = "" if where else f"?host={known['HOST']}"
    return f"postgresql://{known['USER']}:{known['PASSWORD']}@{where}/{known['NAME']}{options}"


def _findings_after(books: Path, stories: list[str], *, bug: str) -> list[Finding]:
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.planted.settings",
        "PLANTED_BUG": bug,
        "DATABASE_URL": _database_url(),
        "SANDBOX_PORT": str(free_row()),
        "WORK_THREADS": "2",
        "LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, "-m", "tests.planted.stories", str(books), *stories]
    told = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=280, check=False)
    assert told.returncode == 0, told.stderr
    kept = Books(books)
    try:
        return list(Safety(gather((), read_books=kept.dump, database_url=_database_url())).findings())
    finally:
        kept.close()


@pytest.fixture
def guards() -> Iterator[None]:
    """What a bug did to the trigger is taken back."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(HISTORY.read_text())


class TestStories:
    pytestmark = processes

    @pytest.mark.usefixtures("guards")
    @pytest.mark.parametrize("bug", STORIES)
    def test_a_planted_bug_is_seen(self, bug: str, tmp_path: Path) -> None:
        if planted := statements(bug):
            with connection.cursor() as cursor:
                cursor.execute(planted)

        found = _findings_after(tmp_path / "books.sqlite3", [bug], bug=bug)

        assert STORIES[bug][1] in {each.kind for each in found}, found

    def test_without_a_bug_the_same_stories_show_nothing(self, tmp_path: Path) -> None:
        found = _findings_after(tmp_path / "books.sqlite3", list(STORIES), bug="")

        # The last story ends with its process, before the payment could be judged.
        assert [each for each in found if each.kind != "charged but unexplained"] == []
        assert len(found) <= 1


def test_every_bug_of_the_issue_has_a_story_and_a_kind_of_finding() -> None:
    assert set(STORIES) == set(BUGS)
    assert {kind for _story, kind in STORIES.values()} <= set(SAFETY)


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_still_fits_the_source(bug: str) -> None:
    modules = {change.module for change in BUGS[bug]}
    for module in modules:
        path = PROJECT / f"{module.replace('.', '/')}.py"
        source = path.read_text()
        compile(changed(source, [each for each in BUGS[bug] if each.module == module]), str(path), "exec")


PROBE = """
import sys, django, inspect
django.setup()
import {module} as module
print(type(module.__loader__).__name__, len(sys.meta_path))
"""


def _probe(settings: str, module: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PLANTED_BUG": "no-lease"}
    command = [sys.executable, "-c", PROBE.format(module=module)]
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)


def test_production_settings_know_no_bug_whatever_the_environment_says() -> None:
    told = _probe("opsconsole.settings", "orders.leases")

    assert told.returncode == 0, told.stderr
    assert told.stdout.split()[0] == "SourceFileLoader"


def test_the_settings_that_plant_refuse_a_data_folder_that_is_kept(tmp_path: Path) -> None:
    kept = PROJECT / ".data"
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.planted.settings", "PLANTED_BUG": "no-lease"}
    told = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=PROJECT,
        env={**environ, "OPSCONSOLE_DATA_DIR": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode != 0
    assert "never in this one" in told.stderr


def test_the_settings_that_plant_do_plant() -> None:
    told = _probe("tests.planted.settings", "orders.leases")

    assert told.returncode == 0, told.stderr
    assert told.stdout.split()[0] == "ChangedSource"


def test_nothing_of_the_application_reads_the_switch() -> None:
    those = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("orders", "reconciliation", "runbooks", "opsconsole")
        for path in (PROJECT / folder).rglob("*.py")
        if "PLANTED_BUG" in path.read_text()
    ]

    assert those == ["opsconsole/chaos/planting.py"]
    assert not any(isinstance(finder, Planter) for finder in sys.meta_path)
    assert "PLANTED" not in inspect.getsource(sys.modules["opsconsole.settings"])


def test_an_unknown_bug_is_refused_by_name() -> None:
    with pytest.raises(NoSuchBug, match="no bug is called 'gremlin'; there are acknowledge-before-commit"):
        environment("gremlin")
