"""The RQ worker: one queue, one process, no fork; outlives Redis and is replaced from PostgreSQL's leases.

Facts this rests on (RQ 2.12, measured): the stock worker quits when Redis fails, with exit code 0; killed, it is
noticed after 83 s at best and its job may then run twice; a stop signal that interrupts the taking of a job loses it.
"""

import contextlib
import logging
import os
import signal
import socket
import time
from types import FrameType
from typing import Final

import redis
from django.db import close_old_connections
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker, WorkerStatus

from opsconsole.queues import DoorbellQueue, patient_redis
from orders.heartbeats import beat, copy_of

logger = logging.getLogger("opsconsole.worker")

WAIT_FOR_A_JOB: Final = 2  # seconds; also how long an idle worker takes to stop
LONGEST_PAUSE: Final = 5.0  # seconds between attempts to reach Redis


class PatientWorker(SimpleWorker):
    """Takes jobs until asked to stop; every Redis error leaves `work_until` and a new worker is made."""

    log_result_lifespan = False
    queue_class = DoorbellQueue

    def __init__(self, queue: str, connection: redis.Redis) -> None:
        super().__init__(
            [DoorbellQueue(queue, connection=connection, serializer=JSONSerializer)],
            name=f"{queue}-{socket.gethostname()}-{os.getpid()}",
            connection=connection,
            worker_ttl=60,
            job_monitoring_interval=5,
            maintenance_interval=15,
            serializer=JSONSerializer,
        )

    @property
    def dequeue_timeout(self) -> int:
        return WAIT_FOR_A_JOB

    @property
    def connection_timeout(self) -> int:
        return WAIT_FOR_A_JOB + 3

    def work_until(self, stop: "StopRequest") -> None:
        """Work until `stop`; raises RedisError when Redis fails."""
        self._register_again()
        self.set_state(WorkerStatus.STARTED)
        while not stop.asked:
            self._register_again()
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()
            for name in (self.heartbeat_name, copy_of(self.heartbeat_name, self.name)):
                beat(name, detail={"queue": self.queues[0].name})
            self._work_once()
        self.register_death()

    @property
    def heartbeat_name(self) -> str:
        return f"worker-{self.queues[0].name}"

    def _work_once(self) -> None:
        self.set_state(WorkerStatus.IDLE)
        taken = self._next_job()
        if taken is None:
            return
        job, queue = taken
        logger.debug("%s (%s)", job.description, job.id)
        close_old_connections()
        self.execute_job(job, queue)
        close_old_connections()

    def _next_job(self) -> tuple[Job, Queue] | None:
        with contextlib.suppress(DequeueTimeout):
            taken: tuple[Job, Queue] | None = self.queue_class.dequeue_any(
                self.queues,
                self.dequeue_timeout,
                connection=self.connection,
                job_class=self.job_class,
                serializer=self.serializer,
                death_penalty_class=self.death_penalty_class,
            )
            if taken is not None:
                taken[0].redis_server_version = self.get_redis_server_version()
            return taken
        return None

    def _register_again(self) -> None:
        """Write ourselves down when Redis does not know us: at the start, and after it came back empty."""
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()
        self.heartbeat()


class StopRequest:
    """Set by SIGTERM and SIGINT, read between jobs: a job that has begun is finished."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        self.asked = True


def work(queue: str, *, stop: StopRequest) -> None:
    """Work on one queue until asked to stop, however often Redis goes away."""
    pause = 0.5
    while not stop.asked:
        began = time.monotonic()
        try:
            with contextlib.closing(patient_redis()) as connection:
                PatientWorker(queue, connection).work_until(stop)
        except redis.RedisError as problem:
            pause = 0.5 if time.monotonic() - began > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            logger.warning("no Redis (%s); trying again in %.1f s", type(problem).__name__, pause)
            _pause(pause, stop)


def _pause(seconds: float, stop: StopRequest) -> None:
    """Wait in short naps, because a stop signal does not end a sleep."""
    until = time.monotonic() + seconds
    while not stop.asked and time.monotonic() < until:
        time.sleep(0.1)
