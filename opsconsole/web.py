"""gunicorn with our settings, in this process: the same server for `run`, for compose and by hand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from prometheus_client import multiprocess

if TYPE_CHECKING:
    from opsconsole.wsgi import Application


@dataclass(frozen=True)
class Listening:
    address: str
    port: int
    workers: int
    threads: int


class WebServer(BaseApplication):
    """Threads, because most of a request is waiting for PostgreSQL; nothing preloaded, because connections
    must not be shared over a fork."""

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
            "worker_class": "gthread",
            "control_socket_disable": True,
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 5,
            # Larger than the connections a browser and a gateway keep open, smaller than max_connections of the server.
            "worker_connections": 200,
            "loglevel": "warning",
            "child_exit": _forget_metrics,
        }

    def load(self) -> "Application":
        from opsconsole.wsgi import application

        return application


def _forget_metrics(_server: object, worker: Any) -> None:
    """A dead worker's gauges would be summed up for ever."""
    multiprocess.mark_process_dead(worker.pid)
