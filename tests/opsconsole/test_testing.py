"""The suite itself: tests that need more than is here are left out loudly, and missing servers are named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.paths import PROJECT

pytestmark = pytest.mark.processes

NO_TESTS_RAN = 5

SUITE = """
import pytest

@pytest.mark.browser
def test_in_a_browser():
    pass

def test_without():
    pass
"""


def run_suite(folder: Path, suite: str = SUITE, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(folder)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(
        [*command, str(folder / "test_sample.py")],
        env={**outside, **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_browser_tests_are_left_out_loudly_where_there_is_no_browser(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, PATH=str(Path(sys.executable).parent), CHROMIUM="")
    assert finished.returncode == 0
    assert "1 browser tests were LEFT OUT: no chromium here." in "\n".join(finished.stdout.splitlines()[-3:])
    assert "1 passed, 1 deselected" in finished.stdout


def test_browser_tests_run_where_there_is_one(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, CHROMIUM=sys.executable)
    assert "LEFT OUT" not in finished.stdout
    assert "2 passed" in finished.stdout


RABBITMQ_SUITE = """
import pytest

@pytest.mark.rabbitmq
def test_with_a_broker():
    pass
"""


def test_rabbitmq_tests_are_left_out_loudly_where_none_answers(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, RABBITMQ_SUITE, TEST_BROKER_URL="amqp://127.0.0.1:1/")
    assert finished.returncode == NO_TESTS_RAN
    assert "1 rabbitmq tests were LEFT OUT: no RabbitMQ answers here" in "\n".join(finished.stdout.splitlines()[-3:])


def test_servers_that_do_not_answer_end_the_suite_in_one_sentence(tmp_path: Path) -> None:
    finished = run_suite(tmp_path, DATABASE_URL="postgresql://x@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0")
    assert finished.returncode == 2
    assert "opsconsole: PostgreSQL of DATABASE_URL does not answer" in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
