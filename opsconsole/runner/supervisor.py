"""Watches the children from one thread: output, deaths, restarts, and the orderly end."""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Final

from opsconsole.runner.child import Child, ending_of
from opsconsole.runner.leftovers import remember
from opsconsole.runner.output import Log

TICK: Final = 0.25
CHUNK: Final = 65_536
UP_WITHIN: Final = 20.0  # seconds; what does not answer by then is waited for by nobody


@dataclass
class Supervisor:
    """`on_tick` is called a few times a second while everything runs; `answers` tells whether a child is up."""

    children: list[Child]
    log: Log
    notes: Path
    on_tick: Callable[[], None] = lambda: None
    answers: Callable[[Child], bool] = lambda _child: True
    stop_signals: int = 0
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run(self) -> None:
        """Start everything and keep it running until a stop signal; returns when all of it has ended."""
        try:
            self._start_all()
            while not self.stop_signals:
                self._listen(TICK)
                self._revive()
                self.on_tick()
        finally:
            self._stop_all()

    def note_stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stop_signals += 1

    def _start_all(self) -> None:
        """Who calls a neighbour that is not up yet holds its silence against it."""
        for child in self._served_first():
            self._start(child)
            if child.process.serves_others:
                self._wait_for(child)

    def _served_first(self) -> list[Child]:
        return sorted(self.children, key=lambda child: not child.process.serves_others)

    def _wait_for(self, child: Child) -> None:
        until = time.monotonic() + UP_WITHIN
        while not (self.stop_signals or child.has_ended() or self.answers(child)) and time.monotonic() < until:
            self._listen(TICK / 5)

    def _start(self, child: Child) -> None:
        child.start()
        os.set_blocking(child.output.fileno(), False)
        self.selector.register(child.output, selectors.EVENT_READ, child)
        remember(self.notes, [one.pid for one in self.children if one.pid is not None])

    def _listen(self, seconds: float) -> None:
        """Pass on what the children said within `seconds`."""
        if not self.selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self.selector.select(seconds):
            self._read(key.data, key.fileobj)  # type: ignore[arg-type]  # only pipes are registered

    def _read(self, child: Child, pipe: IO[bytes]) -> None:
        try:
            chunk = os.read(pipe.fileno(), CHUNK)
        except BlockingIOError:
            return
        for line in child.lines.feed(chunk) if chunk else child.lines.finish():
            self.log.line(child.name, line)
        if not chunk:
            self._forget(pipe)

    def _forget(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(KeyError):
            self.selector.unregister(pipe)
        pipe.close()

    def _revive(self) -> None:
        for child in self.children:
            if child.running is not None and child.has_ended():
                self._bury(child)
            elif child.running is None and time.monotonic() >= child.start_again_at:
                self._start(child)

    def _bury(self, child: Child) -> None:
        """Read its last words, say that it died, and plan the next start."""
        ended = child.running
        if ended is None:
            return
        if not child.output.closed:
            self._read_rest(child)
        # What it may have left behind in its group must not hold ports or locks against its successor.
        child.kill()
        child.running = None
        pause = child.plan_restart()
        self.log.line("run", f"{child.name} ended ({ending_of(ended.returncode)}); starting it again in {pause:g} s")

    def _read_rest(self, child: Child) -> None:
        pipe = child.output
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(pipe.fileno(), CHUNK):
                for line in child.lines.feed(chunk):
                    self.log.line(child.name, line)
        for line in child.lines.finish():
            self.log.line(child.name, line)
        self._forget(pipe)

    def _stop_all(self) -> None:
        """Ask at once all who are served by others, then those who serve; a second stop signal kills at once."""
        self.log.line("run", "stopping")
        asked = self.stop_signals
        for serving in (False, True):
            self._stop([child for child in self.children if child.process.serves_others is serving], asked=asked)
        self.notes.unlink(missing_ok=True)

    def _stop(self, children: list[Child], *, asked: int) -> None:
        """Wait as long as each may take, then kill. `asked`: the stop signals that were heard before."""
        began = time.monotonic()
        for child in children:
            child.ask_to_stop()
        while left := [child for child in children if child.running and not child.has_ended()]:
            self._listen(TICK / 5)
            for child in left:
                late = time.monotonic() - began > child.process.grace.total_seconds()
                if late or self.stop_signals > asked:
                    self.log.line("run", f"{child.name} does not stop; killing it")
                    child.kill()
        for child in children:
            child.kill()
            if child.running is not None and not child.output.closed:
                self._read_rest(child)


def listen_for_stop(supervisor: Supervisor) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, supervisor.note_stop)
    # Under nohup it is ignored, and must stay so.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, supervisor.note_stop)
