"""Processes of a run that was killed: the next run waits for them and, if they hang, ends them.

A process is recognised by its number *and* its start time, so that a number used again is never taken for ours.
"""

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10.0  # seconds; they got their stop signal when their runner died


@dataclass(frozen=True)
class Trace:
    pid: int
    started: str

    def lives(self) -> bool:
        return started_at(self.pid) == self.started


def started_at(pid: int) -> str:
    """The kernel's start time of a process in clock ticks; empty when there is none, or none that still runs."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if state == "Z" else fields[18]


def remember(path: Path, pids: list[int]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({str(pid): started_at(pid) for pid in pids}))
    draft.replace(path)


def end_leftovers(path: Path) -> int:
    """End what a killed run left; the number of processes that were still there."""
    left = [trace for trace in _read(path) if trace.lives()]
    found = len(left)
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [trace for trace in left if trace.lives()]
    for trace in left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(trace.pid, signal.SIGKILL)
    path.unlink(missing_ok=True)
    return found


def _read(path: Path) -> list[Trace]:
    try:
        noted = json.loads(path.read_text())
        return [Trace(int(pid), started) for pid, started in noted.items() if started]
    except (FileNotFoundError, ValueError, AttributeError):
        return []
