"""The embedded Redis: Valkey with nothing on disk, because PostgreSQL is the truth and Redis is re-derived."""

import os
import signal
import subprocess
from dataclasses import dataclass
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from opsconsole.embedded.accounts import Account
from opsconsole.embedded.places import Places, valkey_binary

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    # A full Redis must refuse, not quietly drop a queue.
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "loglevel": "warning",
}


@dataclass
class Valkey:
    """Runs as the calling user: unlike PostgreSQL it has nothing against root and no files to keep."""

    places: Places
    name: str = "Redis"
    stop_signal: signal.Signals = signal.SIGTERM

    def prepare(self) -> None:
        self.places.redis_socket.unlink(missing_ok=True)

    def start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        settings = {**SETTINGS, "unixsocket": str(self.places.redis_socket), "dir": str(self.places.sockets)}
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        account = Account(os.geteuid(), os.getegid())
        return account.start([str(valkey_binary()), *options], log=log, death_signal=self.stop_signal)

    def answers(self) -> bool:
        client = redis.Redis(
            unix_socket_path=str(self.places.redis_socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
