"""Gives every management command its two servers: those of the environment, the running embedded ones, or its own."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from opsconsole import embedded
from opsconsole.embedded import locks
from opsconsole.given import UnfitServer, check_given_servers
from opsconsole.paths import PROJECT, data_dir
from opsconsole.processes import PROCESSES

# Commands that touch neither server, or see to their own.
WITHOUT_SERVERS = {
    "",
    "compilemessages",
    "help",
    "makemessages",
    "run",
    "startapp",
    "test",
    "translations",
    "version",
}
# Long-running processes wait for their servers, however long it takes, instead of refusing to start.
PATIENT = {"alive", *(process.command[0] for process in PROCESSES)}
# Commands that bring tables up to date themselves, or must see them as they are.
OWN_MIGRATIONS = {"check", "collectstatic", "makemigrations", "migrate", "prepare", "showmigrations", "sqlmigrate"}


# Commands that break what they run on: servers of their own in a folder of their own, whatever is named or runs.
THROWN_AWAY = {"chaos"}

# Each has a Redis database and a PostgreSQL database of its own.
MOST_TEST_PROCESSES = 8


class Refused(Exception):
    """The command cannot run as asked; the message is one sentence, the exit code is 2."""


def run(arguments: list[str]) -> int:
    """Run one Django command with DATABASE_URL and REDIS_URL in its environment; `test` becomes pytest."""
    if arguments[1:2] == ["test"]:
        run_pytest(arguments[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsconsole.settings")
    try:
        with _servers_for(arguments):
            return _execute(arguments)
    except (Refused, UnfitServer, embedded.CannotServe) as problem:
        sys.stderr.write(f"opsconsole: {problem}\n")
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def run_pytest(arguments: list[str]) -> NoReturn:
    """Become pytest; its plugin opsconsole.testing sees to the servers. The whole suite runs on all cores."""
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *_on_all_cores(arguments), *arguments])


def _on_all_cores(arguments: list[str]) -> list[str]:
    """File by file, because a file's tests share a browser. A part of the suite is quicker in one process.

    Two processes more than cores: those that run platforms wait for clocks half of their time.
    """
    if any(not each.startswith("-") for each in arguments) or "--numprocesses" in arguments:
        return []
    processes = min((os.cpu_count() or 1) + 2, MOST_TEST_PROCESSES)
    parallel = ["-p", "opsconsole.parallel", "--dist", "loadfile", "--no-loadscope-reorder"]
    return ["--numprocesses", str(processes), *parallel]


def given_servers() -> bool:
    """Whether the environment names the servers to use; naming one of the two is a mistake worth stopping for."""
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if len(given) == 1:
        raise Refused(f"only {given[0]} is set; set both DATABASE_URL and REDIS_URL, or neither.")
    return bool(given)


def _servers_for(arguments: list[str]) -> contextlib.AbstractContextManager[None]:
    command = arguments[1] if len(arguments) > 1 else ""
    if command in WITHOUT_SERVERS or asks_about_itself(arguments):
        return contextlib.nullcontext()
    if command in THROWN_AWAY:
        return _thrown_away_servers(keep="--keep" in arguments)
    if given_servers():
        if command not in PATIENT:
            check_given_servers()
        return contextlib.nullcontext()
    return _embedded_servers(command)


def asks_about_itself(arguments: list[str]) -> bool:
    """Django's `--version` takes no value; with one it is the command's own (`deploy_note`)."""
    return bool({"-h", "--help"} & set(arguments)) or arguments[-1:] == ["--version"]


@contextlib.contextmanager
def _thrown_away_servers(*, keep: bool) -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="opsconsole-chaos-"))
    os.environ["OPSCONSOLE_DATA_DIR"] = str(folder)
    try:
        with embedded.servers(folder) as urls:
            os.environ.update(DATABASE_URL=urls.database, REDIS_URL=urls.redis)
            yield
    finally:
        if keep:
            sys.stderr.write(f"opsconsole: kept {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _embedded_servers(command: str) -> Iterator[None]:
    with embedded.servers(data_dir()) as urls:
        os.environ.update(DATABASE_URL=urls.database, REDIS_URL=urls.redis)
        if command not in OWN_MIGRATIONS:
            _migrate()
        yield


def _migrate() -> None:
    """Give the embedded database its tables: any command may be the first one on a new machine."""
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    with locks.held(data_dir() / "migrate.lock"):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            sys.stderr.write("opsconsole: preparing the database ...\n")
            call_command("migrate", interactive=False, verbosity=0)


def _execute(arguments: list[str]) -> int:
    from django.core.management import execute_from_command_line

    if arguments[1:2] == ["serve"]:
        _share_metrics()
    # SIGTERM ends a command as Ctrl-C does: through its `finally` blocks, so that its servers stop with it.
    signal.signal(signal.SIGTERM, _leave)
    execute_from_command_line(arguments)
    return 0


def _share_metrics() -> None:
    """Web workers count into files of one folder. prometheus_client looks for its name once, when first imported."""
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(data_dir() / "metrics")))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _leave(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal.SIGTERM)
