"""Children of the runner: restarted when they die, ended when it ends, with their own children."""

import io
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from opsconsole.processes import Process
from opsconsole.runner.child import LONGEST_PAUSE, SHORTEST_PAUSE, Child, ending_of
from opsconsole.runner.leftovers import end_leftovers, remember, started_at
from opsconsole.runner.output import Log
from opsconsole.runner.supervisor import Supervisor
from tests.waiting import eventually

pytestmark = pytest.mark.processes

STAYS = "import signal; print('up', flush=True); signal.pause()"
DIES = "raise SystemExit(3)"
IGNORES_THE_SIGNAL = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
HAS_A_CHILD = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("child", child.pid, flush=True)
signal.pause()
"""


def child(name: str, script: str, *, grace: timedelta = timedelta(seconds=10)) -> Child:
    return Child(name, Process(name, (), grace=grace), ("-c", script), {}, program=(sys.executable,))


class Session:
    """A supervisor that stops itself when `enough` sees what it waits for in the log."""

    def __init__(self, tmp_path: Path, *children: Child) -> None:
        self.out = io.StringIO()
        self.notes = tmp_path / "run.json"
        self.supervisor = Supervisor(list(children), Log(out=self.out, width=1), self.notes)

    @property
    def text(self) -> str:
        return self.out.getvalue()

    def run_until(self, enough: Callable[[], bool]) -> str:
        def look() -> None:
            if enough():
                self.supervisor.stop_signals += 1

        watchdog = threading.Timer(30, lambda: setattr(self.supervisor, "stop_signals", 1))
        watchdog.start()
        self.supervisor.on_tick = look
        self.supervisor.run()
        watchdog.cancel()
        assert enough(), self.text
        return self.text


def test_a_child_that_dies_is_started_again_and_the_log_says_so(tmp_path: Path) -> None:
    session = Session(tmp_path, child("weak", DIES))
    text = session.run_until(lambda: session.text.count("weak ended") == 2)
    assert "run | weak ended (exit code 3); starting it again in 1 s" in text
    assert "run | weak ended (exit code 3); starting it again in 2 s" in text


def test_pauses_double_to_a_limit_and_start_over_after_a_sound_life() -> None:
    weak = child("weak", DIES)
    weak.started_at = float("inf")
    pauses = [weak.plan_restart() for _ in range(8)]
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    weak.started_at = float("-inf")
    assert weak.plan_restart() == SHORTEST_PAUSE


def test_stopping_ends_every_child_and_forgets_the_notes(tmp_path: Path) -> None:
    one, two = child("one", STAYS), child("two", STAYS)
    session = Session(tmp_path, one, two)
    session.run_until(lambda: session.text.count("up") == 2)
    assert [one.has_ended(), two.has_ended()] == [True, True]
    assert not session.notes.exists()
    assert session.text.count("stopping") == 1


def test_a_child_that_does_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    stubborn = child("stubborn", IGNORES_THE_SIGNAL, grace=timedelta(seconds=0.3))
    session = Session(tmp_path, stubborn)
    text = session.run_until(lambda: "up" in session.text)
    assert "stubborn does not stop; killing it" in text
    assert stubborn.running is not None
    assert stubborn.running.returncode == -signal.SIGKILL


def test_children_of_a_child_end_with_it(tmp_path: Path) -> None:
    session = Session(tmp_path, child("parent", HAS_A_CHILD))
    text = session.run_until(lambda: "child" in session.text)
    grandchild = int(text.split("child ")[1].split()[0])
    eventually(lambda: not started_at(grandchild))


def test_leftovers_of_a_killed_run_are_ended_and_strangers_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "run.json"
    left, stranger = child("left", STAYS), child("stranger", STAYS)
    for one in (left, stranger):
        one.start()
    assert left.pid
    assert stranger.pid
    remember(notes, [left.pid])
    notes.write_text(notes.read_text().replace("}", f', "{stranger.pid}": "another start time"}}'))
    left.ask_to_stop()
    assert end_leftovers(notes) <= 1
    assert not started_at(left.pid)
    assert started_at(stranger.pid)
    assert not notes.exists()
    for one in (left, stranger):
        one.kill()
        assert one.running
        one.running.wait()
        one.output.close()


def test_how_a_process_ended_is_said_by_name() -> None:
    assert ending_of(0) == "exit code 0"
    assert ending_of(-9) == "signal SIGKILL"


NEIGHBOUR = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("neighbour goes", flush=True), sys.exit(0)))
print("listens", flush=True)
while True: signal.pause()
"""
SERVED = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("served goes", flush=True), sys.exit(0)))
print("asks", flush=True)
while True: signal.pause()
"""


def test_who_serves_the_others_is_up_before_them_and_goes_after_them(tmp_path: Path) -> None:
    neighbour = child("neighbour", NEIGHBOUR)
    neighbour.process = replace(neighbour.process, serves_others=True)
    session = Session(tmp_path, child("served", SERVED), neighbour)
    session.supervisor.answers = lambda _child: "listens" in session.text
    text = session.run_until(lambda: "asks" in session.text)
    said = [line.rsplit("| ", 1)[1] for line in text.splitlines() if "neighbour" in line or "served" in line]
    assert said == ["listens", "asks", "served goes", "neighbour goes"]


def test_a_neighbour_that_dies_at_its_start_keeps_nobody_waiting(tmp_path: Path) -> None:
    neighbour = child("neighbour", DIES)
    neighbour.process = replace(neighbour.process, serves_others=True)
    session = Session(tmp_path, neighbour, child("served", SERVED))
    session.supervisor.answers = lambda _child: False
    session.run_until(lambda: "asks" in session.text)
