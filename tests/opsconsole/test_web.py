"""A thread of the web server stays with a connection that asks again at once, and with no other."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.workers.gthread import ThreadWorker

from opsconsole.paths import PROJECT
from opsconsole.web import LingeringWorker, Listening, WebServer, _import_everything


class Connection:
    """What a worker has of a connection: here, one that was answered so many times."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.answered = 0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


class OneByteEach(ThreadWorker):
    """Each request is one byte, and `x` asks to close."""

    def handle(self, conn: Connection) -> bool:
        conn.answered += 1
        return conn.sock.recv(1) != b"x"


class Worker(LingeringWorker, OneByteEach):
    """The lingering of the one over the requests of the other; nothing listens."""

    def __init__(self) -> None:
        self.alive = True
        self.tpool = ThreadPoolExecutor(1)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.tpool.shutdown()


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize(("asked", "answered", "kept"), [(b"a", 1, True), (b"aaa", 3, True), (b"aax", 3, False)])
def test_what_is_already_there_is_answered_by_the_same_thread(
    worker: Worker, pair: Pair, asked: bytes, answered: int, kept: object
) -> None:
    conn = Connection(pair[0])
    pair[1].sendall(asked)
    assert (worker.handle(conn), conn.answered) == (kept, answered)


def test_a_worker_that_ends_goes_back_to_its_loop(worker: Worker, pair: Pair) -> None:
    conn = Connection(pair[0])
    pair[1].sendall(b"aaa")
    worker.alive = False
    assert (worker.handle(conn), conn.answered) == (True, 1)


def test_nobody_waits_for_a_thread_that_stays(worker: Worker, pair: Pair) -> None:
    conn, busy = Connection(pair[0]), threading.Event()
    pair[1].sendall(b"aaa")
    futures = [worker.tpool.submit(busy.wait), worker.tpool.submit(busy.wait)]
    assert (worker.handle(conn), conn.answered) == (True, 1)
    busy.set()
    assert [future.result(5) for future in futures] == [True, True]


PRELOADED = """
import os, sys, threading
import django
django.setup()
from opsconsole.web import _import_everything
_import_everything(None)
from django.db import connections
files = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]
opened = [os.readlink(each) for each in files if os.path.exists(each)]
print("opsconsole.console.orders" in sys.modules, "opsconsole.wsgi" in sys.modules)
print(threading.active_count(), [each for each in opened if each.startswith("socket:")])
print([each.connection for each in connections.all(initialized_only=True)])
"""


def test_what_workers_share_is_code_and_neither_a_connection_nor_a_thread() -> None:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "opsconsole.settings"}
    told = subprocess.run(
        [sys.executable, "-c", PRELOADED], cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    first, second, third = told.stdout.splitlines()
    assert first == "True False"
    assert second == "1 []"
    assert third in {"[]", "[None]"}


def test_the_server_imports_before_it_forks() -> None:
    options = WebServer(Listening("127.0.0.1", 0, 2, 4)).options()
    assert options["when_ready"] is _import_everything
