"""Ports for a sandbox whose listeners go down and come back: outside the range that the kernel hands
out to callers, who would otherwise take a port while nothing listens on it."""

import os

from opsconsole.runner.ports import taken_ports
from opsconsole.upstreams import NEIGHBOURS

FIRST, LAST = 12_000, 22_000


def free_row() -> int:
    """The first of a row of free ports; sessions side by side begin at different places."""
    step = len(NEIGHBOURS)
    rows = range(FIRST, LAST, step)
    start = os.getpid() % len(rows)
    ordered = [*rows[start:], *rows[:start]]
    return next(row for row in ordered if not taken_ports(range(row, row + step)))
