"""The worker takes jobs from one queue, outlives Redis, and finishes what it has begun."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job
from rq.serializers import JSONSerializer

from opsconsole.embedded.places import Places
from opsconsole.embedded.valkey import Valkey
from opsconsole.paths import PROJECT
from opsconsole.queues import DoorbellQueue, RetryRefused
from tests.waiting import eventually

pytestmark = [pytest.mark.processes]

RETRY_NEVER = Retry(NoBackoff(), 0)


class OwnRedis:
    """A Redis that a test may kill; always at the same address, always empty after a start."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder)
        self.places.sockets.mkdir(mode=0o700)
        self.server = Valkey(self.places)
        self.client = redis.Redis(unix_socket_path=str(self.places.redis_socket), retry=RETRY_NEVER)
        self.start()

    def start(self) -> None:
        self.server.prepare()
        with (self.places.data / "redis.log").open("ab") as log:
            self.process = self.server.start(log)
        eventually(self.server.answers)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self.client.close()
        self.places.redis_socket.unlink(missing_ok=True)
        self.places.sockets.rmdir()

    def queue(self) -> DoorbellQueue:
        return DoorbellQueue("bulk", connection=self.client, serializer=JSONSerializer, commit_mode="auto")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path)
    yield own
    own.close()


@pytest.fixture
def worker(own_redis: OwnRedis) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "REDIS_URL": f"unix://{own_redis.places.redis_socket}"}
    command = [sys.executable, str(PROJECT / "manage.py"), "worker", "--queue", "bulk"]
    with (own_redis.places.data / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()


def enqueue(own: OwnRedis, function: str, *arguments: object) -> Job:
    job = own.queue().enqueue(function, *arguments)
    assert job is not None
    return job


def registered(own: OwnRedis) -> bool:
    return own.client.scard("rq:workers") == 1


def test_a_worker_survives_a_redis_that_dies_and_comes_back_empty(
    tmp_path: Path, own_redis: OwnRedis, worker: subprocess.Popen[bytes]
) -> None:
    enqueue(own_redis, "os.mkdir", str(tmp_path / "before"))
    eventually((tmp_path / "before").exists, within=30)

    own_redis.kill()
    eventually(lambda: b"no Redis" in (tmp_path / "worker.log").read_bytes(), within=30)
    own_redis.start()
    assert own_redis.client.keys() == [] or registered(own_redis)

    enqueue(own_redis, "os.mkdir", str(tmp_path / "after"))
    eventually((tmp_path / "after").exists, within=30)
    eventually(lambda: registered(own_redis))
    assert worker.poll() is None


def test_a_worker_that_redis_forgot_writes_itself_down_again(
    own_redis: OwnRedis, worker: subprocess.Popen[bytes]
) -> None:
    eventually(lambda: registered(own_redis), within=30)
    own_redis.client.flushall()
    eventually(lambda: registered(own_redis))
    assert worker.poll() is None


def test_the_job_at_hand_is_finished_before_the_worker_stops(
    tmp_path: Path, own_redis: OwnRedis, worker: subprocess.Popen[bytes]
) -> None:
    script = f"touch {tmp_path}/begun; sleep 1; touch {tmp_path}/finished"
    enqueue(own_redis, "subprocess.check_call", ["sh", "-c", script])
    eventually((tmp_path / "begun").exists, within=30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert (tmp_path / "finished").exists()
    assert own_redis.client.scard("rq:workers") == 0


def test_an_idle_worker_stops_at_once(own_redis: OwnRedis, worker: subprocess.Popen[bytes]) -> None:
    eventually(lambda: registered(own_redis), within=30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0


def test_a_job_that_fails_does_not_stop_the_worker(
    tmp_path: Path, own_redis: OwnRedis, worker: subprocess.Popen[bytes]
) -> None:
    failing = enqueue(own_redis, "os.mkdir", str(tmp_path / "no" / "such" / "parent"))
    enqueue(own_redis, "os.mkdir", str(tmp_path / "next"))
    eventually((tmp_path / "next").exists, within=30)
    assert failing.is_failed
    assert worker.poll() is None


def test_a_job_may_not_ask_for_a_retry_of_rqs(own_redis: OwnRedis) -> None:
    with pytest.raises(RetryRefused):
        own_redis.queue().enqueue_call("os.getpid", retry=2)
    assert own_redis.client.keys() == []


def test_a_failure_is_kept_for_a_day_and_not_for_a_year(own_redis: OwnRedis) -> None:
    assert enqueue(own_redis, "os.getpid").failure_ttl == 86_400
