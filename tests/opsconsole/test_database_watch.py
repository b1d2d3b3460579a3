"""PostgreSQL that hangs: `/ready` is red within 5 s, who waits is freed, callbacks are answered 503."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from opsconsole.database_watch import DatabaseWatch, Hangs, ask
from opsconsole.faultproxy import FaultProxy, Way
from opsconsole.wsgi import Application
from orders.models import InboundEvent

pytestmark = pytest.mark.django_db(transaction=True)

SILENT = {"up": Way(black_hole=True), "down": Way(black_hole=True)}


@pytest.fixture
def through_proxy() -> Iterator[FaultProxy]:
    """The test database of this thread and of all new connections, behind a proxy."""
    known = dict(connections["default"].settings_dict)
    home = Path(known["HOST"]) / f".s.PGSQL.{known['PORT'] or 5432}" if known["HOST"].startswith("/") else known["HOST"]
    port = 0 if isinstance(home, Path) else int(known["PORT"] or 5432)
    connection.close()
    with FaultProxy(home, port) as proxy:
        connections["default"].settings_dict.update(HOST="127.0.0.1", PORT=str(proxy.port))
        yield proxy
        connections["default"].settings_dict.update(HOST=known["HOST"], PORT=known["PORT"])
        proxy.heal()
        connection.close()


def test_a_server_that_answers_is_fine(through_proxy: FaultProxy) -> None:
    ask()


def test_a_server_that_hangs_is_said_so_in_time(through_proxy: FaultProxy) -> None:
    through_proxy.set(**SILENT)
    began = time.monotonic()
    with pytest.raises(Hangs):
        ask(patience=0.3)
    assert time.monotonic() - began < 1


def test_a_server_that_refuses_is_no_hanging_one(through_proxy: FaultProxy) -> None:
    through_proxy.set(refuse=True)
    with pytest.raises(OperationalError) as refused:
        ask()
    assert not isinstance(refused.value, Hangs)


def test_ready_is_red_within_five_seconds_when_it_hangs(through_proxy: FaultProxy) -> None:
    assert Client().get("/ready").status_code == 200
    through_proxy.set(**SILENT)
    began = time.monotonic()
    answer = Client().get("/ready")
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["dependencies"]["postgresql"]["why"] == "Hangs"


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[str, Any]]]:
    """The application as gunicorn calls it, with a watch that looks when the test says so."""
    watch = DatabaseWatch()
    watch.stop()
    application = Application(watch)

    def post(path: str, body: bytes = b"{}", *, method: str = "POST") -> tuple[str, Any]:
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/json",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
        }
        answer = b"".join(application(environ, lambda status, headers: said.append(status)))
        return said[0], json.loads(answer)

    post.watch = watch  # type: ignore[attr-defined]
    yield post
    connection.close()


def test_a_callback_that_waits_is_freed_and_answered_503(through_proxy: FaultProxy, served: Any) -> None:
    """The gateway's message came, PostgreSQL froze: the gateway must not be told that we have it."""
    assert served("/callbacks/midtrans", b"not json at all")[0] == "200 OK"
    assert InboundEvent.objects.count() == 1
    through_proxy.set(**SILENT)
    answers: list[tuple[str, Any]] = []

    def call() -> None:
        answers.append(served("/callbacks/midtrans", b"not json either"))
        connection.close()

    waiting = threading.Thread(target=call)
    began = time.monotonic()
    waiting.start()
    served.watch.look()
    waiting.join(timeout=10)

    assert time.monotonic() - began < 8
    assert answers[0][0] == "503 Service Unavailable"
    through_proxy.heal()
    connection.close()
    assert InboundEvent.objects.count() == 1


def test_while_it_hangs_new_requests_are_turned_away_at_once(through_proxy: FaultProxy, served: Any) -> None:
    through_proxy.set(**SILENT)
    served.watch.look()
    began = time.monotonic()
    answers = [served(path) for path in ("/callbacks/xendit", "/api/v1/carts", "/")]
    assert time.monotonic() - began < 0.5
    assert {status for status, _body in answers} == {"503 Service Unavailable"}
    assert answers[1][1]["type"] == "/api/v1/docs#unavailable"
    through_proxy.heal()
    served.watch.look()
    assert served("/callbacks/midtrans", b"not json at all")[0] == "200 OK"
    assert InboundEvent.objects.count() == 1


def test_a_cookie_does_not_make_a_probe_wait_for_postgresql(served: Any) -> None:
    status, body = served("/ready", method="GET")
    assert (status, body["ready"]) == ("200 OK", True)
