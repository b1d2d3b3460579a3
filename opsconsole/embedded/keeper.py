"""The process that owns both servers: starts them, restarts one that dies, stops them when nobody uses them.

`python -m opsconsole.embedded.keeper <data folder>`; started by `joining`, in a session of its own so that Ctrl-C
at a terminal reaches it only through its users. It leaves its parent at once: whoever started it may end before it.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from opsconsole.embedded import accounts
from opsconsole.embedded.locks import FileLock
from opsconsole.embedded.places import CannotServe, Places, State
from opsconsole.embedded.postgres import Postgres
from opsconsole.embedded.valkey import Valkey

LOOK_EVERY = 0.25
# Recovery after a crash of the machine replays up to `max_wal_size`; it ends by itself.
READY_WITHIN = 300.0
STOP_WITHIN = 60.0
LARGEST_LOG = 20_000_000


class Server(Protocol):
    name: str
    stop_signal: signal.Signals

    def prepare(self) -> None: ...
    def start(self, log: IO[bytes]) -> subprocess.Popen[bytes]: ...
    def answers(self) -> bool: ...


@dataclass
class Kept:
    """One server and the process it runs in now."""

    server: Server
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0

    def start(self) -> None:
        self.server.prepare()
        with self.log.open("ab") as log:
            self.process = self.server.start(log)
        self.started_at = time.monotonic()

    def wait_until_ready(self) -> None:
        while not self.server.answers():
            if self._ended():
                raise CannotServe(f"the embedded {self.server.name} ended while starting: {_reason(self.log)}")
            if time.monotonic() - self.started_at > READY_WITHIN:
                raise CannotServe(f"the embedded {self.server.name} does not answer; its log is {self.log}.")
            time.sleep(0.03)

    def revive(self) -> None:
        """Start it again when it is gone, at most once a second."""
        if self._ended() and time.monotonic() - self.started_at > 1:
            say(f"{self.server.name} ended ({self.process.returncode if self.process else '?'}); starting it again")
            self.start()

    def stop(self) -> None:
        if self.process is None or self._ended():
            return
        self.process.send_signal(self.server.stop_signal)
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            say(f"{self.server.name} does not stop; killing it")
            self.process.kill()
            self.process.wait()

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@dataclass
class Keeper:
    places: Places
    stopping: bool = False
    kept: list[Kept] = field(default_factory=list)

    def run(self) -> int:
        alive = FileLock(self.places.keeper_lock)
        # The lock belongs to the open file, which the fork shares: it is held without a gap.
        if not alive.taken_within(1) or os.fork() != 0:
            return 0
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._ask_to_stop)
        try:
            self._serve()
        except (CannotServe, OSError) as problem:
            State(os.getpid(), problem=str(problem)).write(self.places.state)
            return 2
        finally:
            self._stop_all()
        return 0

    def _serve(self) -> None:
        self._start_all()
        self.places.running(os.getpid()).write(self.places.state)
        say("PostgreSQL and Redis are up")
        users = FileLock(self.places.users_lock)
        while not self.stopping and not users.taken_at_once():
            for kept in self.kept:
                kept.revive()
            time.sleep(LOOK_EVERY)
        # From here a newcomer finds no state and waits for the lock `alive`, then starts a keeper of its own.
        self.places.state.unlink(missing_ok=True)

    def _start_all(self) -> None:
        account = accounts.choose()
        _make_socket_folder(self.places, account)
        self.places.logs.mkdir(exist_ok=True)
        for server in (Postgres(self.places, account), Valkey(self.places)):
            log = self.places.logs / f"{server.name.lower()}.log"
            _trim(log)
            self.kept.append(Kept(server, log))
            self.kept[-1].start()
        for kept in self.kept:
            kept.wait_until_ready()

    def _stop_all(self) -> None:
        for kept in reversed(self.kept):
            kept.stop()
        with contextlib.suppress(OSError):
            self.places.sockets.rmdir()
        say("PostgreSQL and Redis are down")

    def _ask_to_stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stopping = True


def _make_socket_folder(places: Places, account: accounts.Account) -> None:
    """A folder in a shared place with a known name: accept it only as ours, real, and closed to others."""
    folder = places.sockets
    if _is_strangers(folder, account):
        # Left by a run under another account, or laid out as a trap: root clears it, nobody else can.
        if os.geteuid() != 0 or folder.is_symlink():
            raise CannotServe(f"{folder} is in the way and is not ours; remove it.")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    account.own(folder)


def _is_strangers(folder: Path, account: accounts.Account) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid


def _trim(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))


def _reason(log: Path) -> str:
    """The last complaint in a server's log, without its time stamp."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    complaints = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line]
    return (complaints or lines or ["it said nothing"])[-1].rpartition("FATAL:  ")[2]


def say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(Keeper(Places(Path(sys.argv[1]))).run())
