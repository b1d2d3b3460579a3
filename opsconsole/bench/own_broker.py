"""A broker of a benchmark's own, which it may kill: RabbitMQ where the machine has one, else an embedded Redis."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from opsconsole.embedded.places import Places, valkey_binary
from opsconsole.embedded.valkey import SETTINGS, Valkey
from opsconsole.runner.ports import free_port

RABBIT: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD: Final = shutil.which("epmd") or "/usr/bin/epmd"
LONGEST_START: Final = 60.0  # seconds


class CannotStart(Exception):
    """The broker did not answer in time. The message says which, and where its log is."""


class OwnBroker(Protocol):
    """`environment` leads a process to it."""

    name: str
    environment: Mapping[str, str]

    def start(self) -> None:
        """Returns when it answers. Raises CannotStart."""

    def kill(self) -> None:
        """SIGKILL to all of it."""

    def close(self) -> None: ...


class OwnRedis:
    """With nothing on disk, as in every deployment: after a kill it comes back empty."""

    name = "Redis Streams"

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._places = Places(self._folder)
        self._places.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server = Valkey(self._places)
        self.environment: Mapping[str, str] = {"REDIS_URL": f"unix://{self._places.redis_socket}", "BROKER_URL": ""}

    def start(self) -> None:
        """Started without a death signal: it would come with the end of the thread that starts it again."""
        self._server.prepare()
        own = {**SETTINGS, "unixsocket": str(self._places.redis_socket), "dir": str(self._folder)}
        options = [part for name, value in own.items() for part in (f"--{name}", value)]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(valkey_binary()), *options], stdout=log, stderr=log, start_new_session=True
            )
        _until(self._server.answers, self.name, self._folder)

    def kill(self) -> None:
        _kill(self._process)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(self._places.sockets, ignore_errors=True)


class OwnRabbit:
    """A node of its own name, ports and folder; its durable queues outlive a kill."""

    name = "RabbitMQ"

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._port, epmd, distribution = (free_port() for _each in range(3))
        # In our hands; else Erlang starts one that outlives everybody.
        self._names = subprocess.Popen([EPMD, "-address", "127.0.0.1", "-port", str(epmd)], stdin=subprocess.DEVNULL)
        self.environment: Mapping[str, str] = {"BROKER_URL": f"amqp://guest:guest@127.0.0.1:{self._port}/"}
        (self._folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self._port}\n")
        self._own = {
            **os.environ,
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"bench{self._port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def start(self) -> None:
        with (self._folder / "out").open("ab") as log:
            self._process = subprocess.Popen(
                [str(RABBIT)], env=self._own, stdout=log, stderr=log, start_new_session=True, cwd=self._folder
            )
        _until(self._answers, self.name, self._folder)

    def _answers(self) -> bool:
        """It answers the first bytes of AMQP 0-9-1."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2) as wire:
                wire.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(wire.recv(8))
        except OSError:
            return False

    def kill(self) -> None:
        _kill(self._process)

    def close(self) -> None:
        self.kill()
        self._names.kill()
        self._names.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def own_broker(wanted: str) -> OwnBroker:
    """`rabbitmq` or `redis`. Raises CannotStart where there is no such program."""
    if wanted == "rabbitmq" and not RABBIT.exists():
        raise CannotStart(f"no {RABBIT} here")
    return OwnRabbit() if wanted == "rabbitmq" else OwnRedis()


def _until(answers: Callable[[], bool], name: str, folder: Path) -> None:
    end = time.monotonic() + LONGEST_START
    while not answers():
        if time.monotonic() > end:
            raise CannotStart(f"{name} does not answer; see {folder}")
        time.sleep(0.1)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """The whole session: a shell script starts the server, and a port daemon beside it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
