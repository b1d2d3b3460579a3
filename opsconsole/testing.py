"""The pytest plugin behind `manage.py test`: throw-away servers, and a loud word when tests are left out that need a
browser or a RabbitMQ.

Loaded by `-p` in pyproject.toml, because PostgreSQL must be up before pytest-django reads the settings.
"""

import contextlib
import gc
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from opsconsole import embedded
from opsconsole.embedded.locks import is_held
from opsconsole.embedded.places import Places
from opsconsole.given import UnfitServer, check_given_servers
from opsconsole.launching import Refused, given_servers
from opsconsole.paths import PROJECT

PREFIX: Final = "opsconsole-test-"
# Of a named Redis, the database that tests may empty; `run` uses 0. Each parallel worker has one of its own below it.
REDIS_DATABASE: Final = 15
# The shell is the same browser without windows of its own: a page costs it less than half.
BROWSERS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Names the lock of those parallel workers that may share one migrated database (tests/backend).
TEMPLATE_LOCK: Final = "TEST_TEMPLATE_LOCK"

# Used for its tests only when it answers; they make exchanges and queues of their own and take them away.
BROKER: Final = os.environ.get("TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")


@dataclass(frozen=True)
class Need:
    """A marker, what its tests need of the machine, and what to say when that is not there."""

    marker: str
    is_there: Callable[[], bool]
    missing: str


def chromium() -> str | None:
    """Path of the browser for tests: what CHROMIUM names, else Debian's."""
    candidates: Iterable[str | None] = (os.environ.get("CHROMIUM"), *map(shutil.which, BROWSERS))
    return next((path for path in candidates if path), None)


def broker_answers() -> bool:
    where = urlsplit(BROKER)
    with contextlib.suppress(OSError), socket.create_connection((where.hostname or "", where.port or 5672), timeout=1):
        return True
    return False


def spark_runs() -> bool:
    return find_spec("pyspark") is not None and shutil.which("java") is not None


_ENGINES: Final = "install requirements-engines.txt."
NEEDS: Final = (
    Need("duckdb", lambda: find_spec("duckdb") is not None, f"no DuckDB here; {_ENGINES}"),
    Need("spark", spark_runs, f"no Spark here; it needs Java 17, and {_ENGINES}"),
    Need("browser", lambda: chromium() is not None, "no chromium here. `.ci/run` installs it and runs them all."),
    Need("rabbitmq", broker_answers, "no RabbitMQ answers here; TEST_BROKER_URL names one. `.ci/run` starts one."),
)

_open = contextlib.ExitStack()
_left_out: set[tuple[str, str]] = set()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Around everybody else's, pytest-django's above all. Parallel workers share the servers of the process that
    started them, each with a database of its own in both.
    """
    if (worker := parallel_worker()) is not None:
        _share_servers(worker)
        return (yield)
    folder = _data_folder()
    os.environ["OPSCONSOLE_DATA_DIR"] = str(folder)
    os.environ["STATIC_MANIFEST"] = "no"
    (PROJECT / "staticfiles").mkdir(exist_ok=True)
    try:
        _provide_servers(folder)
    except (Refused, UnfitServer, embedded.CannotServe) as problem:
        _open.close()
        sys.stderr.write(f"opsconsole: {problem}\n")
        raise SystemExit(2) from None
    return (yield)


def parallel_worker() -> int | None:
    """Which of xdist's workers this is; None for a whole session in one process."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) if name else None


def _share_servers(worker: int) -> None:
    folder = Path(os.environ["OPSCONSOLE_DATA_DIR"]) / f"worker-{worker}"
    folder.mkdir(exist_ok=True)
    os.environ["OPSCONSOLE_DATA_DIR"] = str(folder)
    os.environ["REDIS_URL"] = _own_redis_database(os.environ["REDIS_URL"], REDIS_DATABASE - 1 - worker)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it left out; only the process that started it has a terminal."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = [list(one) for one in sorted(_left_out)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _left_out.update((marker, test) for marker, test in getattr(node, "workeroutput", {}).get("left_out", ()))


def pytest_unconfigure(config: pytest.Config) -> None:
    _open.close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if _left_out and reporter is not None:
        # After pytest's own last line, so that nobody reads "passed" and stops there.
        for need in NEEDS:
            _say_left_out(reporter, need, sum(marker == need.marker for marker, _test in _left_out))


def _say_left_out(reporter: Any, need: Need, count: int) -> None:
    if count:
        reporter.section(f"{need.marker.upper()} TESTS LEFT OUT", sep="!", red=True, bold=True)
        reporter.line(f"{count} {need.marker} tests were LEFT OUT: {need.missing}", red=True, bold=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_length, reverse=True)
    for need in NEEDS:
        wanting = [item for item in items if item.get_closest_marker(need.marker)]
        if wanting and not need.is_there():
            items[:] = [item for item in items if item not in wanting]
            config.hook.pytest_deselected(items=wanting)
            _left_out.update((need.marker, item.nodeid) for item in wanting)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests live as long as the session: looking through them for rubbish, again and again, finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _length(item: pytest.Item) -> tuple[float, bool, bool]:
    """What may take longest begins first, so that no core waits at the end for one long file of another.

    That is what says that it needs more than the usual time, then what starts processes, then what drives a browser.
    """
    allowed = item.get_closest_marker("timeout")
    seconds = float(allowed.args[0]) if allowed and allowed.args else 0.0
    processes, browser = (item.get_closest_marker(name) is not None for name in ("processes", "browser"))
    return seconds, processes, browser


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A page in Indonesian leaves its thread in Indonesian; the next test is nobody's reader."""
    from django.utils import translation

    translation.deactivate()


def _data_folder() -> Path:
    """A data folder for this session only; what killed sessions left behind goes first."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _provide_servers(folder: Path) -> None:
    if given_servers():
        check_given_servers()
        os.environ["REDIS_URL"] = _own_redis_database(os.environ["REDIS_URL"])
        return
    urls = _open.enter_context(embedded.servers(folder))
    os.environ.update(DATABASE_URL=urls.database, REDIS_URL=urls.redis)
    os.environ[TEMPLATE_LOCK] = str(folder / "template.lock")


def _sweep() -> None:
    long_ago = time.time() - timedelta(hours=1).total_seconds()
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < long_ago and not is_held(Places(folder).keeper_lock):
                shutil.rmtree(folder)


def _own_redis_database(address: str, number: int = REDIS_DATABASE) -> str:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"  # urlunsplit would drop the slashes of an empty host
    return urlunsplit(parts._replace(path=f"/{number}"))
