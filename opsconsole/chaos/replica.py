"""A second PostgreSQL that follows the first over the wire, and takes its place when it is killed (ADR 0118).

Synchronous: a COMMIT is answered once the replica has it on disk, so whoever heard yes is safe with either of the two.
Asynchronous is there to be caught: the replica is kept a moment behind, and what was answered in that moment is gone.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from opsconsole.embedded import accounts
from opsconsole.embedded.places import DATABASE, SUPERUSER, Places
from opsconsole.embedded.postgres import Postgres
from opsconsole.faultproxy import FaultProxy, Way
from opsconsole.runner.ports import free_port

SYNCHRONOUS, ASYNCHRONOUS = "sync", "async"
KINDS = (SYNCHRONOUS, ASYNCHRONOUS)
HOST = "127.0.0.1"
LOG = "replica.log"
BEHIND = 1.0  # seconds, of an asynchronous one
STARTED_WITHIN = 60.0  # seconds
LOOK_EVERY = 0.05


class NoReplica(Exception):
    """It could not be made, or does not follow. The message says what PostgreSQL said last."""


@dataclass
class Replica:
    """`url` is its address; it takes writes only after `take_over`."""

    primary: Places
    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}@{HOST}:{self.port}/{DATABASE}"

    def take_over(self) -> None:
        """The first is killed in the middle of whatever it does, and the replica takes writes from here on."""
        pid = int((self.primary.postgres / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("SELECT pg_promote(true, 60)")


@contextlib.contextmanager
def following(primary: Places, *, kind: str) -> Iterator[Replica]:
    """One that follows `primary` from here on. Raises NoReplica."""
    server = Postgres(primary, accounts.choose())
    folder, log = primary.data / "replica", primary.logs / LOG
    with FaultProxy(primary.sockets / ".s.PGSQL.5432") as wire, log.open("ab") as out:
        _copy(server, folder, wire.port, log)
        port = free_port()
        command = server.command(folder, listen_addresses=HOST, port=str(port), unix_socket_directories="")
        process = server.account.start(command, log=out, death_signal=signal.SIGINT)
        try:
            made = Replica(primary, port, folder, process)
            _wait_until_it_follows(made, log)
            _wait_for_it_at_each_commit(primary, is_wanted=kind == SYNCHRONOUS)
            if kind == ASYNCHRONOUS:
                wire.set(down=Way(latency=BEHIND))
            yield made
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _copy(server: Postgres, folder: Path, port: int, log: Path) -> None:
    """A whole copy that knows whom to follow. What it may read is the first one's account's."""
    folder.mkdir(mode=0o700)
    server.account.own(folder)
    command = [str(server.binary("pg_basebackup")), "-h", HOST, "-p", str(port), "-U", SUPERUSER]
    command += ["-D", str(folder), "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"]
    with log.open("ab") as out:
        if server.account.start(command, log=out, death_signal=signal.SIGKILL).wait() != 0:
            raise NoReplica(f"no copy of PostgreSQL could be made: {_last_line(log)}")


def _wait_until_it_follows(made: Replica, log: Path) -> None:
    def follows() -> bool:
        if made.process.poll() is not None:
            raise NoReplica(f"the replica has ended: {_last_line(log)}")
        return _has_standby(made.primary, "state = 'streaming'")

    _wait_until(follows, "the replica does not follow", log)


def _wait_for_it_at_each_commit(primary: Places, *, is_wanted: bool) -> None:
    """`synchronous_commit` is on already: with a standby that is named it waits for that one's disk as well."""
    names = "walreceiver" if is_wanted else ""
    with psycopg.connect(primary.database_url(SUPERUSER), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        connection.execute("SELECT pg_reload_conf()")
    if is_wanted:
        log = primary.logs / LOG
        _wait_until(lambda: _has_standby(primary, "sync_state = 'sync'"), "the replica is not waited for", log)


def _wait_until(is_so: Callable[[], bool], problem: str, log: Path) -> None:
    until = time.monotonic() + STARTED_WITHIN
    while not is_so():
        if time.monotonic() > until:
            raise NoReplica(f"{problem}: {_last_line(log)}")
        time.sleep(LOOK_EVERY)


def _has_standby(primary: Places, condition: LiteralString) -> bool:
    """Whether PostgreSQL tells of our replica that it is so."""
    query = f"SELECT FROM pg_stat_replication WHERE application_name = 'walreceiver' AND {condition}"
    with psycopg.connect(primary.database_url(SUPERUSER), autocommit=True) as connection:
        return connection.execute(query).fetchone() is not None


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
