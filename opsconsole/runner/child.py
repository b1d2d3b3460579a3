"""One copy of one process: started in a group of its own, its output read, restarted with growing pauses."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Final

from opsconsole.embedded.accounts import die_with_parent
from opsconsole.paths import PROJECT
from opsconsole.processes import Process
from opsconsole.runner.output import Lines

SHORTEST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
# Seconds; who lived this long is not in a crash loop.
SOUND_AFTER: Final = 60.0


@dataclass
class Child:
    name: str
    process: Process
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    program: tuple[str, ...] = (sys.executable, str(PROJECT / "manage.py"))
    running: subprocess.Popen[bytes] | None = None
    lines: Lines = field(default_factory=Lines)
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause: float = SHORTEST_PAUSE

    def start(self) -> None:
        """The kernel sends the stop signal should the runner vanish; the group lets us reach its children too."""
        self.lines = Lines()
        self.started_at = time.monotonic()
        self.running = subprocess.Popen(
            [*self.program, *self.arguments],
            cwd=PROJECT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, self.process.stop_signal, parent=os.getpid()),
        )

    @property
    def output(self) -> IO[bytes]:
        if self.running is None or self.running.stdout is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self.running.stdout

    @property
    def pid(self) -> int | None:
        return None if self.running is None else self.running.pid

    def has_ended(self) -> bool:
        return self.running is not None and self.running.poll() is not None

    def plan_restart(self) -> float:
        """Seconds until the next start: doubling while it keeps dying young."""
        now = time.monotonic()
        self.pause = SHORTEST_PAUSE if now - self.started_at > SOUND_AFTER else min(self.pause * 2, LONGEST_PAUSE)
        self.start_again_at = now + self.pause
        return self.pause

    def ask_to_stop(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(self.process.stop_signal)

    def kill(self) -> None:
        """The whole group: a web process's workers, for one."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)


def ending_of(code: int) -> str:
    """`exit code 1` or `signal SIGKILL`, for the log."""
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
