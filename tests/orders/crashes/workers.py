"""`python -m tests.orders.crashes.workers N [QUEUE]`: N real workers on a queue (actions), replaced as they die.

Each is a fork of a process that has everything imported and nothing opened, so that a new one is there in
milliseconds. SIGTERM ends all.
"""

import os
import signal
import sys
from types import FrameType
from typing import Any, Final

import django

from tests.orders.crashes.kill_points import client_place, die_at

QUEUE: Final = "act"


class Guard:
    """Asked before each call and told after it: a place to die on either side."""

    def admit(self, *, is_retry: bool) -> Any:
        from orders.resilience.guards import Ticket

        die_at(f"{client_place()} before its {'repeated ' if is_retry else ''}call")
        return Ticket()

    def report(self, ticket: Any, outcome: Any) -> None:
        """Nothing is learnt; the worker may die of it."""
        die_at(f"{client_place()} after its call")


def be_a_worker(queue: str) -> None:
    from django.conf import settings

    from opsconsole.worker import StopRequest, work
    from orders.resilience import set_guard

    for name in settings.UPSTREAMS:
        set_guard(name, Guard())
    stop = StopRequest()
    stop.listen()
    work(queue, stop=stop)


def _fork(queue: str) -> int:
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        be_a_worker(queue)
        os._exit(0)
    return pid


def keep(count: int, queue: str) -> None:
    """Fork another for each that dies, until SIGTERM."""
    alive = {_fork(queue) for _each in range(count)}

    def end(_signum: int, _frame: FrameType | None) -> None:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        died, _status = os.wait()
        alive.discard(died)
        alive.add(_fork(queue))


if __name__ == "__main__":
    django.setup()
    import orders.jobs  # noqa: F401 - everything a job needs, before the fork

    keep(int(sys.argv[1]), *(sys.argv[2:] or [QUEUE]))
