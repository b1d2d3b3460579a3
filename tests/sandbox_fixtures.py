"""The sandbox as a fixture, a stand-in for the application it calls back, and waiting for things.

Use: `from tests.sandbox_fixtures import *` in the conftest of a folder, or as a pytest plugin.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from opsconsole import upstreams
from opsconsole.sandbox import Sandbox, Secrets
from opsconsole.sandbox.remote import RemoteSandbox
from orders.resilience import connections

__all__ = ["Receiver", "control", "effects", "neighbours", "raw", "receiver", "sandbox", "wait_until"]

SECRETS = Secrets(upstreams.GATEWAYS, upstreams.TPG, upstreams.PARTNERS)
# Fast enough that a trip of twenty minutes lasts a fraction of a second.
SPEED = 3000.0


def wait_until(condition: Callable[[], Any], *, seconds: float = 10.0, every: float = 0.01) -> Any:
    """The first true answer of the condition; fails the test when none comes in time.

    `every` is the pause between looks in seconds: a dear look takes the processor from what it waits for.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        threading.Event().wait(every)
    raise AssertionError(f"not within {seconds} s: {condition}")


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What stands in for the application: records callbacks and answers them as told."""

    url: str = ""
    got: list[Received] = field(default_factory=list)
    # Statuses of the next answers; 200 when there are no more.
    statuses: deque[int] = field(default_factory=deque)

    def paths(self) -> list[str]:
        return [each.path for each in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    seen = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.got.append(Received(self.path, headers, body))
            self.send_response(seen.statuses.popleft() if seen.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield seen
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    with Sandbox(secrets=SECRETS, app_url=receiver.url, speed=SPEED) as running:
        yield running


@pytest.fixture
def neighbours(sandbox: Sandbox, settings: Any) -> Iterator[dict[str, str]]:
    """Every client speaks to the sandbox; the addresses by name."""
    settings.UPSTREAMS = {name: {"url": sandbox.urls[name], "timeout": 5.0, "tries": 3} for name in upstreams.LIMITS}
    settings.GATEWAYS, settings.TPG, settings.PARTNERS = SECRETS.gateways, SECRETS.tpg, SECRETS.partners
    yield sandbox.urls
    connections.close_all()


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[RemoteSandbox]:
    """The control API over HTTP, as the traffic driver uses it."""
    with RemoteSandbox(sandbox.control_url) as client:
        yield client


def effects(control: RemoteSandbox, neighbour: str) -> list[str]:
    """What really happened at a neighbour, in order."""
    return [each["effect"] for each in control.books(neighbour)["effects"]]


def raw(control: RemoteSandbox, method: str, path: str, **given: Any) -> httpx.Response:
    """The control API without its client, for what the client never sends."""
    return httpx.request(method, control.url + path, **given)
