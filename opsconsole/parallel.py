"""The pytest plugin for the suite on all cores: what is compiled once, and which worker takes which file."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from opsconsole.paths import PROJECT

TESTS: Final = PROJECT / "tests"


def pytest_xdist_setupnodes() -> None:
    """Before the workers start. On a fresh checkout each of them would compile every file of tests, with its asserts
    rewritten: a dozen seconds of processor a worker. Two processes do it once for all, half of the files each.
    """
    files = sorted(TESTS.rglob("test_*.py"))
    if sys.dont_write_bytecode or _is_compiled(files[0]):
        return
    halves = [_collect(files[start::2]) for start in (0, 1)]
    for half in halves:
        half.wait()


def _is_compiled(file: Path) -> bool:
    cached = Path(importlib.util.cache_from_source(str(file)))
    return any(cached.parent.glob(f"{file.stem}.*pytest*"))


def _collect(files: list[Path]) -> subprocess.Popen[bytes]:
    """What is wrong with a file is told by the workers, who collect it again."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", *map(str, files)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class FromBothEnds(LoadFileScheduling):
    """The longest files come first in the queue. Half of the workers begin there, half at its end, so that not all the
    files that start whole platforms and wait for them run at the same time: those are what a loaded machine breaks.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds:
    return FromBothEnds(config, log)
