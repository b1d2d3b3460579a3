"""The suite itself: tests that need more than is here are left out loudly, and missing servers are named."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.paths import PROJECT

pytestmark = pytest.mark.processes

SUITE = """
import pytest

@pytest.mark.browser
def test_in_a_browser():
    pass

@pytest.mark.rabbitmq
def test_with_a_broker():
    pass

def test_without():
    pass
"""
NO_BROKER = "amqp://127.0.0.1:1/"


def run_suite(folder: Path, suite: str = SUITE, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(folder)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(
        [*command, *options, str(folder / "test_sample.py")],
        env={**outside, **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_needs_more_than_is_here_is_left_out_loudly(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, PATH=str(Path(sys.executable).parent), CHROMIUM="", TEST_BROKER_URL=NO_BROKER)
    assert finished.returncode == 0
    last_words = "\n".join(finished.stdout.splitlines()[-5:])
    assert "1 browser tests were LEFT OUT: no chromium here." in last_words
    assert "1 rabbitmq tests were LEFT OUT: no RabbitMQ answers here" in last_words
    assert "1 passed, 2 deselected" in finished.stdout


def test_browser_tests_run_where_there_is_a_browser(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, CHROMIUM=sys.executable, TEST_BROKER_URL=NO_BROKER)
    assert "browser tests" not in finished.stdout
    assert "2 passed, 1 deselected" in finished.stdout


LENGTHS = """
import pytest

def test_short():
    pass

@pytest.mark.browser
def test_in_a_browser():
    pass

@pytest.mark.processes
def test_with_processes():
    pass

@pytest.mark.timeout(300)
def test_long():
    pass
"""


def test_what_takes_long_begins_first_and_browsers_before_the_many_short(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, LENGTHS, "--verbose", CHROMIUM=sys.executable)
    begun = re.findall(r"::test_(\w+) PASSED", finished.stdout)
    assert begun == ["long", "with_processes", "in_a_browser", "short"]


def test_servers_that_do_not_answer_end_the_suite_in_one_sentence(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, DATABASE_URL="postgresql://x@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0")
    assert finished.returncode == 2
    assert "opsconsole: PostgreSQL of DATABASE_URL does not answer" in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
