"""The process table: every long-running process, once. The runner, docker-compose.yml and the docs follow it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from signal import SIGTERM, Signals
from typing import Final

QUEUES: Final = ("act", "diagnose", "notify", "bulk")


@dataclass(frozen=True)
class Process:
    """One line of the table.

    `command` is what follows `manage.py`; `health` the path that answers when the process lives, for those that
    speak HTTP; the others write a heartbeat row at least every `silence`. `grace` is how long it may take to finish
    what it is doing after `stop_signal`. What `serves_others` is there before they start and until they have ended.
    """

    name: str
    command: tuple[str, ...]
    grace: timedelta
    queue: str = ""
    count: int = 1
    health: str = ""
    silence: timedelta = timedelta(seconds=30)
    stop_signal: Signals = SIGTERM
    serves_others: bool = False

    def copies(self) -> list[str]:
        """A name for each copy: `worker-act.1`, `worker-act.2`; a single one needs no number."""
        return [self.name] if self.count == 1 else [f"{self.name}.{n}" for n in range(1, self.count + 1)]


# A job may run 30 s (settings.JOB_TIMEOUT) and is never cut short by an orderly stop.
JOB_GRACE: Final = timedelta(seconds=35)
LOOP_GRACE: Final = timedelta(seconds=15)


def _worker(queue: str) -> Process:
    """One queue each: with two, RQ takes a job by BLPOP, and a crash right after loses it."""
    return Process(f"worker-{queue}", ("worker", "--queue", queue), grace=JOB_GRACE, queue=queue)


PROCESSES: Final = (
    Process("web", ("serve",), grace=LOOP_GRACE, health="/health"),
    *(_worker(queue) for queue in QUEUES),
    Process("relay", ("relay",), grace=LOOP_GRACE),
    Process("consumer", ("consumer",), grace=LOOP_GRACE),
    Process("ticker", ("ticker",), grace=LOOP_GRACE),
    Process("sandbox", ("sandbox",), grace=LOOP_GRACE, health="/", serves_others=True),
)

# Only in the demo of `manage.py run`; no deployment has it.
CUSTOMERS: Final = Process("traffic", ("traffic",), grace=LOOP_GRACE)


def night(*options: str) -> Process:
    """The customers of 12 January instead of them: `manage.py run --night`."""
    return replace(CUSTOMERS, command=("scenario", "january12", "--guided", *options))


def table(*, act_workers: int = 1) -> tuple[Process, ...]:
    """The table with as many workers on the queue `act` as asked for."""
    return tuple(replace(one, count=act_workers) if one.queue == "act" else one for one in PROCESSES)


def process(name: str) -> Process:
    return next(one for one in PROCESSES if one.name == name)
