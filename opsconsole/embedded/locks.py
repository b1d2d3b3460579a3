"""Advisory file locks. The kernel drops them with the process that holds them, even after kill -9."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path


class FileLock:
    """One open lock file; `close` lets go of whatever is held."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def take(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def shared_at_once(self) -> bool:
        return self._locked(fcntl.LOCK_SH | fcntl.LOCK_NB)

    def taken_at_once(self) -> bool:
        return self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def taken_within(self, seconds: float) -> bool:
        """For a lock that others only look at: their look must not count as having it."""
        deadline = time.monotonic() + seconds
        while not (taken := self.taken_at_once()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return taken

    def _locked(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._file)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it for the block."""
    lock = FileLock(path)
    try:
        lock.take()
        yield
    finally:
        lock.close()


def is_held(path: Path) -> bool:
    """Whether some process has it for itself. Looking shares it for a moment, which other lookers do not notice."""
    lock = FileLock(path)
    try:
        return not lock.shared_at_once()
    finally:
        lock.close()
