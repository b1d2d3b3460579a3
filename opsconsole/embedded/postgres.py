"""The embedded PostgreSQL: made once, started, asked whether it is ready, stopped. Durability is never traded."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from opsconsole.embedded.accounts import Account
from opsconsole.embedded.places import DATABASE, SUPERUSER, CannotServe, Places, postgres_package

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    # A limit, taken as needed: what a comparison of books works on is a temporary table that many passes read.
    "temp_buffers": "128MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # Given on the command line so that nothing in the data folder can weaken them.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
RELOCATED = Path("/var/lib/opsconsole")


@dataclass
class Postgres:
    places: Places
    account: Account
    name: str = "PostgreSQL"
    # INT is PostgreSQL's fast shutdown: clients are cut off, everything committed is on disk.
    stop_signal: signal.Signals = signal.SIGINT

    def prepare(self) -> None:
        """Make the database cluster, or make the one that is there ours to start."""
        self._settle()
        folder = self.places.postgres
        if (folder / "PG_VERSION").exists():
            self.account.own(folder.resolve())
            _forget_dead_server(folder, sockets=self.places.sockets)
        else:
            self._initialise(folder)

    def start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = self.command(self.places.postgres.resolve(), unix_socket_directories=str(self.places.sockets))
        return self.account.start(command, log=log, death_signal=self.stop_signal)

    def command(self, folder: Path, **own: str) -> list[str]:
        """What serves the cluster in `folder`: with our settings, and these of its own."""
        settings = {**SETTINGS, **own}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binary("postgres")), "-D", str(folder), *options]

    def answers(self) -> bool:
        """True once the server takes queries and our database exists."""
        try:
            with psycopg.connect(self.places.database_url(SUPERUSER), autocommit=True, connect_timeout=2) as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                if connection.execute(query, [DATABASE]).fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
                return True
        except psycopg.Error:
            return False

    def _initialise(self, folder: Path) -> None:
        """initdb beside the final place, then a rename: a half-made cluster is never mistaken for a whole one."""
        draft = folder.resolve().with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        self.account.own(draft)
        with tempfile.TemporaryFile() as log:
            arguments = ["-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
            builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            command = [str(self.binary("initdb")), *arguments, *builtin]
            if self.account.start(command, log=log, death_signal=signal.SIGKILL).wait() != 0:
                log.seek(0)
                lines = log.read().decode(errors="replace").strip().splitlines()
                raise CannotServe(f"PostgreSQL could not make its data folder {draft}: {lines[-1] if lines else '?'}")
        draft.replace(folder.resolve())

    def _settle(self) -> None:
        """Move the cluster out of a folder its account may not enter; a link keeps its place."""
        folder = self.places.postgres
        if folder.is_symlink() or self.account.may_enter(folder.parent):
            return
        elsewhere = RELOCATED / self.places.sockets.name
        elsewhere.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            shutil.move(folder, elsewhere / "postgres")
        folder.symlink_to(elsewhere / "postgres")

    def binary(self, name: str) -> Path:
        """Where a program of PostgreSQL is that the account may run."""
        package = postgres_package()
        if not self.account.may_enter(package / "pginstall" / "bin"):
            package = _copied(package)
        return package / "pginstall" / "bin" / name


def _copied(package: Path) -> Path:
    """A copy of the binaries, with the libraries beside them, where every account can read them; one per build."""
    build = (package / "pginstall" / "bin" / "postgres").stat().st_mtime_ns
    copy = RELOCATED / f"binaries-{build}"
    if not copy.exists():
        draft = RELOCATED / f"draft-{os.getpid()}"
        for name in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.with_name(name), draft / name)
        draft.replace(copy)
    return copy / package.name


def _forget_dead_server(folder: Path, *, sockets: Path) -> None:
    """Remove what a killed server left: pid file, socket, socket lock.

    PostgreSQL itself refuses to start while *any* process has the number in these files. After a reboot or in a new
    container that is often another program, and where pid 1 does not reap, a zombie. An orphaned server that is
    really alive is asked to stop and waited for.
    """
    if sys.platform != "linux":
        return
    pid_file = folder / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if _serves(pid, folder):
            _stop_orphan(pid)
    for leftover in [pid_file, *sockets.glob(".s.PGSQL.*")]:
        leftover.unlink(missing_ok=True)


def _serves(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


def _stop_orphan(pid: int) -> None:
    try:
        watched = os.pidfd_open(pid)
        signal.pidfd_send_signal(watched, signal.SIGINT)
    except ProcessLookupError:
        return
    if not select.select([watched], [], [], 60)[0]:
        raise CannotServe(f"a PostgreSQL of an earlier run (process {pid}) does not stop; stop it and try again.")
