"""A short run under fire, with the processes there really are."""

import json
import os
import subprocess
import sys

import pytest

from opsconsole.chaos.schedule import LENGTHS
from opsconsole.paths import PROJECT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1200)]

SECONDS, SEED = 12, 20250112
NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "OPSCONSOLE_DATA_DIR", "DJANGO_SETTINGS_MODULE", "SANDBOX_PORT")


def _chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return subprocess.run(
        [sys.executable, "manage.py", "chaos", *arguments],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=1170,
        check=False,
    )


def test_nothing_wrong_happens_under_fire_and_everything_ends_after_it() -> None:
    ran = _chaos("--seconds", str(SECONDS), "--seed", str(SEED), "--rate", "120", "--settle", "600", "--json")

    assert ran.stdout, ran.stderr[-3_000:]
    report = json.loads(ran.stdout)
    assert report["findings"] == []
    assert (report["ok"], ran.returncode) == (True, 0)
    assert set(report["accidents"]) == set(LENGTHS)
    assert report["figures"]["placed"] > 0
    assert report["figures"]["effects"]["charged"] > 0
    assert report["figures"]["answers"].get("500", 0) == 0
    assert f"seed {SEED}" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--bug", "gremlin"), "no bug is called 'gremlin'")],
)
def test_an_unknown_bug_is_refused_before_anything_starts(arguments: tuple[str, ...], sentence: str) -> None:
    ran = _chaos(*arguments)

    assert ran.returncode == 2
    assert sentence in ran.stderr
