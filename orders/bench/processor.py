"""Who used the processor: our processes with all their children, and PostgreSQL's backends, where it runs here.

By /proc, in whole ticks (10 ms as a rule): for many at a time. Elsewhere than on Linux nothing is known.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connection

POSTGRESQL: Final = "PostgreSQL"
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    seconds: float


def used(of: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Seconds of processor so far, by the names of `of`, whose values are process ids, and of PostgreSQL's backends."""
    known = dict(_processes())
    if not known:
        return {}
    children = defaultdict(list)
    for pid, process in known.items():
        children[process.parent].append(pid)
    found = {name: sum(_with_children(pid, known, children) for pid in pids) for name, pids in of.items()}
    return {**found, POSTGRESQL: sum(known[pid].seconds for pid in _backends() if pid in known)}


def since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used between two looks. No process of the first look may have ended."""
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def _with_children(pid: int, known: Mapping[int, _Process], children: Mapping[int, Iterable[int]]) -> float:
    own = known[pid].seconds if pid in known else 0.0
    return own + sum(_with_children(child, known, children) for child in children.get(pid, ()))


def _processes() -> Iterator[tuple[int, _Process]]:
    """Of every process that can be seen: proc(5), the fields 4, 14 and 15 of stat."""
    for folder in _PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        yield int(folder.name), _Process(int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))


def _backends() -> Iterator[int]:
    """Of this database; of a server elsewhere the numbers say nothing, so the process must be called so too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid IS NOT NULL")
        numbers = [int(pid) for (pid,) in cursor.fetchall()]
    for pid in numbers:
        try:
            if (_PROC / str(pid) / "cmdline").read_bytes().startswith(b"postgres"):
                yield pid
        except OSError:
            continue
