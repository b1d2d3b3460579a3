"""gunicorn with our settings, in this process: the same server for `run`, for compose and by hand."""

import gc
import select
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.urls import get_resolver
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker
from prometheus_client import multiprocess

from orders.heartbeats import BEAT_EVERY, beat

if TYPE_CHECKING:
    from opsconsole.wsgi import Application


LINGER: Final = 2  # milliseconds


class LingeringWorker(ThreadWorker):
    """A thread that has answered stays with its connection for a moment: a gateway in a flood asks again at once.

    Otherwise each request goes from the thread to the main loop, its poller and back, which costs more than answering
    a callback. Nobody waits for it: where another request needs a thread, the connection goes back to the loop.
    """

    def init_process(self) -> None:
        """Signs of life by a thread of its own: a database that hangs must not stop the answers that need none."""
        threading.Thread(target=_live_on, name="heartbeat", daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        kept = super().handle(conn)
        while kept is True and self._asks_again(conn.sock):
            kept = super().handle(conn)
        return kept

    def _asks_again(self, sock: Any) -> bool:
        pool: Any = self.tpool
        if not self.alive or not pool._work_queue.empty():  # noqa: SLF001 - a pool says it in no other way
            return False
        look = select.poll()
        look.register(sock, select.POLLIN)
        return bool(look.poll(LINGER))


def _live_on() -> None:
    while True:
        beat("web", detail={})
        time.sleep(BEAT_EVERY.total_seconds())


@dataclass(frozen=True)
class Listening:
    address: str
    port: int
    workers: int
    threads: int


class WebServer(BaseApplication):
    """Threads, because most of a request is waiting for PostgreSQL.

    Modules are imported once, before the workers are forked, so that one that died is replaced at once; the
    application itself is made in each, because its connections and its watch must not be shared over a fork.
    """

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        super().__init__()

    def load_config(self) -> None:
        configuration: Any = self.cfg
        for name, value in self.options().items():
            configuration.set(name, value)

    def options(self) -> dict[str, Any]:
        return {
            "bind": f"{self.listening.address}:{self.listening.port}",
            "workers": self.listening.workers,
            "threads": self.listening.threads,
            "worker_class": "opsconsole.web.LingeringWorker",
            "control_socket_disable": True,
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 5,
            # Larger than the connections a browser and a gateway keep open, smaller than max_connections of the server.
            "worker_connections": 200,
            "loglevel": "warning",
            "when_ready": _import_everything,
            "child_exit": _forget_metrics,
        }

    def load(self) -> "Application":
        from opsconsole.wsgi import application

        return application


def _import_everything(_server: object) -> None:
    """What every worker would import by itself; opens no connection and starts no thread."""
    get_resolver().url_patterns  # noqa: B018 - reading it is what imports
    gc.freeze()  # no collection of a worker shall touch, and so copy, what all of them share


def _forget_metrics(_server: object, worker: Any) -> None:
    """A dead worker's gauges would be summed up for ever."""
    multiprocess.mark_process_dead(worker.pid)
