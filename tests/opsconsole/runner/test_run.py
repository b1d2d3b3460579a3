"""`manage.py run` as a person uses it: started, shared, killed, started again, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from opsconsole.embedded.locks import is_held
from opsconsole.embedded.places import Places
from opsconsole.paths import PROJECT
from opsconsole.upstreams import NEIGHBOURS
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

MANAGE = [sys.executable, str(PROJECT / "manage.py")]
OURS = {"DATABASE_URL", "REDIS_URL", "SANDBOX_PORT", "OPSCONSOLE_URL", "DJANGO_SETTINGS_MODULE", "STATIC_MANIFEST"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As on a machine where nothing is set but the data folder."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**inherited, "OPSCONSOLE_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def port() -> int:
    """The first of a row of free ports: the console's, and a hundred above it those of the sandbox."""
    return next(first for first in range(20_000, 30_000, 200) if all(map(is_free, wanted_from(first))))


def wanted_from(first: int) -> list[int]:
    return [first, *range(first + 100, first + 100 + len(NEIGHBOURS))]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Run:
    """One `manage.py run` and its log."""

    def __init__(self, log: Path, environment: dict[str, str], *flags: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen([*MANAGE, "run", *flags], env=environment, stdout=out, stderr=out)

    def text(self) -> str:
        return self.log.read_text()

    def wait_until_up(self) -> None:
        eventually(lambda: "the console is at" in self.text() or self.process.poll() is not None, within=120)
        assert self.process.poll() is None, self.text()

    def stop(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(60)


@pytest.fixture
def runs() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(runs: ExitStack, tmp_path: Path, environment: dict[str, str], port: int) -> Run:
    log = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}.log"
    run = Run(log, environment, "--no-demo", "--workers", "1", "--port", str(port))
    runs.callback(lambda: run.process.poll() is None and run.stop(signal.SIGTERM))
    return run


def processes_of(environment: dict[str, str]) -> list[str]:
    """Command lines of every living process that works in this data folder."""
    wanted = f"OPSCONSOLE_DATA_DIR={environment['OPSCONSOLE_DATA_DIR']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MANAGE, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_a_run_serves_is_shared_survives_a_kill_and_leaves_nothing(
    tmp_path: Path, environment: dict[str, str], port: int, runs: ExitStack
) -> None:
    first = start(runs, tmp_path, environment, port)
    first.wait_until_up()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        assert answer.read() == b"alive\n"

    second = manage(environment, "run", "--port", str(port + 50))
    assert second.returncode == 2
    assert re.fullmatch(r"opsconsole: a run is already going in .+ names another folder\.\n", second.stderr)

    alive = manage(environment, "alive", "worker-act")
    assert (alive.returncode, alive.stderr) == (0, "")
    assert is_held(Places(tmp_path / "data").keeper_lock)

    first.stop(signal.SIGKILL)
    successor = start(runs, tmp_path, environment, port)
    successor.wait_until_up()
    assert successor.stop(signal.SIGTERM) == 0
    assert successor.text().endswith("stopped\n")
    assert processes_of(environment) == []


def test_ctrl_c_while_starting_leaves_nothing(
    tmp_path: Path, environment: dict[str, str], port: int, runs: ExitStack
) -> None:
    run = start(runs, tmp_path, environment, port)
    eventually(lambda: "preparing the database" in run.text(), within=60)
    run.stop(signal.SIGINT)
    eventually(lambda: not processes_of(environment), within=60)


def test_a_command_alone_brings_the_servers_for_its_own_duration(environment: dict[str, str]) -> None:
    script = "from orders.models import Heartbeat; print('heartbeats', Heartbeat.objects.count())"
    finished = manage(environment, "shell", "-v", "0", "-c", script)
    assert (finished.returncode, finished.stdout) == (0, "heartbeats 0\n")
    assert processes_of(environment) == []


def test_a_taken_port_is_said_before_anything_starts(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        refused = manage(environment, "run", "--port", str(number))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"opsconsole: port {number} is taken; --port names another.\n"
    assert not (Path(environment["OPSCONSOLE_DATA_DIR"]) / "postgres").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, r"only DATABASE_URL is set; set both .+, or neither\."),
        (
            {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"},
            r"PostgreSQL of DATABASE_URL does not answer: .+",
        ),
    ],
)
def test_servers_that_are_not_there_are_said_in_one_sentence(
    environment: dict[str, str], port: int, given: dict[str, str], sentence: str
) -> None:
    refused = manage({**environment, **given}, "run", "--port", str(port))
    assert refused.returncode == 2
    assert re.fullmatch(rf"opsconsole: {sentence}\n", refused.stderr)


def test_fresh_never_touches_a_database_of_somebody_elses(environment: dict[str, str], port: int) -> None:
    given = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = manage({**environment, **given}, "run", "--fresh", "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr.startswith("opsconsole: --fresh clears the embedded database only")
