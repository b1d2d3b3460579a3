"""How a command gets the embedded servers: join the pair that runs, or start a keeper for it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from opsconsole.embedded.locks import FileLock, held, is_held
from opsconsole.embedded.places import CannotServe, Places, State, Urls
from opsconsole.paths import PROJECT

LOOK_EVERY = 0.02
KEEPER_WITHIN = 330.0


@contextlib.contextmanager
def servers(data_dir: Path) -> Iterator[Urls]:
    """The addresses of both servers, which stay up for the block; the last user out stops them and waits for it."""
    places = Places(data_dir)
    _make_data_folder(data_dir)
    with held(places.start_lock):
        use = FileLock(places.users_lock)
        use.share()
        urls = ensure_running(places)
    try:
        yield urls
    finally:
        _leave(places, use)


def revive(data_dir: Path) -> None:
    """For a user of the servers who stays long: bring the keeper back should somebody have killed it."""
    places = Places(data_dir)
    if not is_held(places.keeper_lock):
        with held(places.start_lock):
            ensure_running(places)


def ensure_running(places: Places) -> Urls:
    """Addresses of a pair that answers. Only for a caller that holds the users' lock shared."""
    is_started = False
    deadline = time.monotonic() + KEEPER_WITHIN
    while time.monotonic() < deadline:
        state = State.read(places.state)
        if is_held(places.keeper_lock):
            if state and not state.problem and all(map(_listens, state.sockets)):
                return Urls(database=state.database_url, redis=state.redis_url)
        elif is_started:
            raise CannotServe(state.problem if state else f"the embedded servers did not start; see {places.logs}.")
        else:
            places.state.unlink(missing_ok=True)
            _start_keeper(places)
            is_started = True
        time.sleep(LOOK_EVERY)
    raise CannotServe(f"the embedded servers take too long to start; see {places.logs}.")


def _listens(path: str) -> bool:
    """Whether a server is behind a socket: a killed keeper's state and lock outlive its servers by a moment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _make_data_folder(data_dir: Path) -> None:
    try:
        (data_dir / "log").mkdir(parents=True, exist_ok=True)
        probe = data_dir / f"probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise CannotServe(
            f"cannot write to the data folder {data_dir} ({problem.strerror}); OPSCONSOLE_DATA_DIR names another."
        ) from problem


def _start_keeper(places: Places) -> None:
    """Returns when the keeper has its lock and is nobody's child, or has failed."""
    with (places.logs / "keeper.log").open("ab") as log:
        subprocess.run(
            [sys.executable, "-m", "opsconsole.embedded.keeper", str(places.data)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )


def _leave(places: Places, use: FileLock) -> None:
    """Let go. Whoever then has the lock alone was the last: tell the keeper, and stay until it has gone."""
    try:
        state = State.read(places.state)
        if use.taken_at_once() and state and is_held(places.keeper_lock):
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)
            with held(places.keeper_lock):
                pass
    finally:
        use.close()
