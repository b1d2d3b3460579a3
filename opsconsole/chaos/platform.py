"""A platform of its own for a run, with a proxy before PostgreSQL, one before Redis, and one before a RabbitMQ."""

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from django.db import connections

from opsconsole.chaos.replica import HOST, Replica, following
from opsconsole.embedded.places import DATABASE, SUPERUSER, Places
from opsconsole.faultproxy import FaultProxy
from opsconsole.runner.child import SHORTEST_PAUSE, Child
from opsconsole.runner.output import Log
from opsconsole.runner.supervisor import Supervisor
from opsconsole.scenarios.standalone import Platform, free_row, wait_until_ready
from opsconsole.traffic.agenda import drop_connections
from opsconsole.upstreams import LIMITS
from orders.consumers import CONSUMERS

LOG = "chaos.log"
AMQP = 5672


@dataclass(frozen=True)
class ProxiedPlatform(Platform):
    """`more` is added to the environment of every process: the settings that plant a bug, for one."""

    database_url: str
    redis_url: str
    more: tuple[tuple[str, str], ...] = ()

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **{f"{name.upper()}_BREAKER": "" for name in LIMITS},  # as they are by default
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "OPSCONSOLE_DATA_DIR": str(self.data),
            **dict(self.more),
        }


@dataclass
class Arena:
    """What the accidents can get hold of."""

    platform: Platform
    children: list[Child]
    postgres: FaultProxy
    redis: FaultProxy
    broker: FaultProxy | None = None  # only before a RabbitMQ; else Redis is the broker
    replica: Replica | None = None
    failover_seconds: float | None = None

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.platform.sandbox_port}"

    @property
    def database_url(self) -> str:
        """Past the proxy, for the oracle."""
        has_moved = self.replica is not None and self.failover_seconds is not None
        return self.replica.url if self.replica and has_moved else Places(self.platform.data).urls.database

    @property
    def log(self) -> Path:
        return self.platform.data / "log" / LOG

    def kill(self, child: Child) -> None:
        """In the middle of whatever it does, with all its own children; the next one comes at once."""
        child.pause = SHORTEST_PAUSE / 2
        child.kill()

    def empty_redis(self) -> None:
        """Its keeper starts a new one, with nothing in it."""
        client = redis.Redis(unix_socket_path=str(Places(self.platform.data).redis_socket), socket_timeout=2)
        with contextlib.suppress(redis.RedisError, ProcessLookupError), contextlib.closing(client):
            os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)

    def fail_over(self) -> None:
        """The database is killed and its replica takes its place; the dead one may come back, and nobody finds it."""
        if self.replica is None:
            return
        began = time.monotonic()
        self.postgres.set(refuse=True)
        self.replica.take_over()
        self.postgres.reset()
        self.postgres.lead_to(HOST, self.replica.port)
        self.postgres.set(refuse=False)
        self.failover_seconds = round(time.monotonic() - began, 2)
        # The run's own customers and staff do not come through the proxy.
        connections.settings["default"] |= {"HOST": HOST, "PORT": str(self.replica.port)}
        drop_connections()


@contextlib.contextmanager
def arena(data: Path, *, more: dict[str, str], replicated: str = "") -> Iterator[Arena]:
    """Servers run in `data` already; everything else is started here, and gone afterwards. `replicated` is a kind of
    replica, or none."""
    places = Places(data)
    with (
        following(places, kind=replicated) if replicated else contextlib.nullcontext() as second,
        FaultProxy(places.sockets / ".s.PGSQL.5432") as postgres,
        FaultProxy(places.redis_socket) as doorbell,
        _before_rabbitmq() as (broker, told),
    ):
        platform = ProxiedPlatform(
            data,
            free_row(),
            database_url=f"postgresql://{SUPERUSER}@127.0.0.1:{postgres.port}/{DATABASE}",
            redis_url=f"redis://127.0.0.1:{doorbell.port}/0",
            more=tuple((told | more).items()),
        )
        children = platform.children(fresh_books=True)
        made = Arena(platform, children, postgres, doorbell, broker, second)
        with _supervised(made):
            yield made


@contextlib.contextmanager
def _before_rabbitmq() -> Iterator[tuple[FaultProxy | None, dict[str, str]]]:
    """A proxy and what the processes are told of it, where a broker is named. Names of the run's own, gone with it."""
    if not settings.BROKER_URL:
        yield None, {}
        return
    from orders.clients.broker import rabbitmq

    where, prefix = urlsplit(settings.BROKER_URL), f"chaos-{uuid.uuid4().hex[:8]}."
    try:
        with FaultProxy(where.hostname or "localhost", where.port or AMQP) as proxy:
            login = where.netloc.rpartition("@")[0]
            netloc = f"{login}@127.0.0.1:{proxy.port}" if login else f"127.0.0.1:{proxy.port}"
            yield proxy, {"BROKER_URL": urlunsplit(where._replace(netloc=netloc)), "BROKER_PREFIX": prefix}
    finally:
        rabbitmq.forget(settings.BROKER_URL, prefix=prefix, consumers=CONSUMERS)


@contextlib.contextmanager
def _supervised(made: Arena) -> Iterator[None]:
    made.log.parent.mkdir(parents=True, exist_ok=True)
    with made.log.open("a") as out:
        supervisor = Supervisor(made.children, Log(out), made.platform.data / "chaos.json")
        # The children's lives hang on the thread that starts them, so it lives as long as they do.
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        try:
            wait_until_ready(made.platform.sandbox_port, made.platform.plan.address)
            yield
        finally:
            for proxy in (made.postgres, made.redis, made.broker):
                if proxy is not None:
                    proxy.heal()
            supervisor.note_stop(signal.SIGTERM, None)
            thread.join()
