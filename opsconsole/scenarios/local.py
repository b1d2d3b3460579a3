"""The platform inside one process, for the seconds in which nothing else runs: the demo and tests.

The neighbours are the real sandbox on their own ports. What is ours is the same code without its
processes: the callbacks' addresses are served by a few threads, the work that RQ jobs ring for is done
by one thread a kind, the ticker's rounds by another.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django.db
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from opsconsole.sandbox import Sandbox, Secrets
from opsconsole.traffic.agenda import dismiss, drop_connections
from orders.services import rounds, work

logger = logging.getLogger(__name__)

HANDS = 4  # callbacks served at a time
REST = 0.05  # seconds between two looks for work
TICK = 0.5


@contextmanager
def local_platform(*, port_base: int, store: Path | None, speed: float, seed: int = 1) -> Iterator[Sandbox]:
    """A sandbox, and everything of ours that answers it. OSError when a port is taken."""
    with ExitStack() as stack:
        url = stack.enter_context(_callbacks())
        sandbox = Sandbox(
            secrets=Secrets(settings.GATEWAYS, settings.TPG, settings.PARTNERS),
            port_base=port_base,
            store=store,
            app_url=url,
            seed=seed,
            speed=speed,
        )
        stack.enter_context(sandbox)
        stack.enter_context(_workers())
        yield sandbox


class _Server(WSGIServer):
    """Requests by a few threads that live on, so that each keeps its database connection."""

    request_queue_size = 128
    hands: ThreadPoolExecutor

    def process_request(self, request: Any, client_address: Any) -> None:
        self.hands.submit(self._serve, request, client_address)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            logger.info("a caller went away")
        finally:
            self.shutdown_request(request)


class _Handler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """The log is for what is unusual."""


@contextmanager
def _callbacks() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=_Server, handler_class=_Handler)
    server.hands = ThreadPoolExecutor(HANDS, thread_name_prefix="callbacks")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="callbacks")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        dismiss(server.hands, hands=HANDS)


@contextmanager
def _workers() -> Iterator[None]:
    """One thread looks whether anything is due, and rings for those that do it: each looking for itself all the time
    would take half of a processor.
    """
    stop, bells = threading.Event(), {name: threading.Event() for name in work.KINDS}
    looks: list[tuple[Callable[[], Any], Callable[[], bool]]] = [
        (rounds.go, lambda: stop.wait(TICK)),
        (lambda: _ring(bells), lambda: stop.wait(REST)),
        *((partial(work.drain, name, longest=TICK), _rung(bell, stop)) for name, bell in bells.items()),
    ]
    threads = [threading.Thread(target=_again_and_again, args=look) for look in looks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for bell in bells.values():
            bell.set()
        for thread in threads:
            thread.join()


def _ring(bells: Mapping[str, threading.Event]) -> None:
    for name in work.waiting():
        bells[name].set()


def _rung(bell: threading.Event, stop: threading.Event) -> Callable[[], bool]:
    """Waits until somebody rings; whether that is for the end."""

    def wait() -> bool:
        bell.wait()
        bell.clear()
        return stop.is_set()

    return wait


def _again_and_again(look: Callable[[], Any], is_over: Callable[[], bool]) -> None:
    """As a process of ours would: a look that fails is told, and the next one comes. Ends with nothing left open."""
    while not is_over():
        try:
            close_old_connections()
            look()
        except django.db.Error as problem:
            logger.info("no database: %s", problem)
            drop_connections()
        except Exception:
            logger.exception("a look for work failed")
            drop_connections()
    drop_connections()
