"""Two channels with a token each, and a caller that speaks HTTP to the API like they do."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from orders.models import ChannelToken
from orders.resilience.latched import latched
from orders.services import pricing, tokens
from tests.api.bodies import SARI
from tests.sandbox_fixtures import *  # noqa: F403


class Caller:
    """A channel's client. Every write gets a fresh Idempotency-Key unless one is given."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client()

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", headers={**self._bearer, **headers})

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, key=key, **headers)

    def put(self, path: str, body: Any = None, *, key: str | None = None) -> HttpResponse:
        return self.send("PUT", path, body, key=key)

    def delete(self, path: str, *, key: str | None = None) -> HttpResponse:
        return self.send("DELETE", path, None, key=key)

    def send(self, method: str, path: str, body: Any, *, key: str | None = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {**self._bearer, "Idempotency-Key": key or uuid.uuid4().hex, **headers}
        return self.client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=given)

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def cart(self, *items: Any, city: str = "Jakarta", customer: Any = SARI) -> dict[str, Any]:
        """A cart with these items in it, as last answered."""
        made = self.post("/carts", {"city": city, **({"customer": customer} if customer else {})})
        assert made.status_code == 201, made.content
        for item in items:
            made = self.post(f"/carts/{made.json()['id']}/items", item)
            assert made.status_code == 201, made.content
        return dict(made.json())


def problem(response: HttpResponse, kind: str, status: int) -> dict[str, Any]:
    """The problem document, checked for what every one must have."""
    assert response["Content-Type"] == "application/problem+json", response.content
    found = response.json()
    assert (found["type"], response.status_code) == (f"/api/v1/docs#{kind}", status), found
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert unquote(found["instance"]) == response.wsgi_request.path
    assert found["instance"].isascii()
    return dict(found)


@pytest.fixture(autouse=True)
def no_memories(settings: Any) -> None:
    """No price and no failure of Redis outlives a test, and nobody else's reaches it."""
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    pricing._fares.clear()
    if (redis := latched()) is not None:
        redis.try_again()


@pytest.fixture
def token(db: None) -> tuple[ChannelToken, str]:
    return tokens.issue("app", name="Phone app", actor="user:admin")


@pytest.fixture
def api(token: tuple[ChannelToken, str]) -> Caller:
    return Caller(token[1])


@pytest.fixture
def web(db: None) -> Caller:
    """The other channel."""
    return Caller(tokens.issue("web", name="Web shop", actor="user:admin")[1])


@pytest.fixture
def live(transactional_db: None) -> Caller:
    """Like `api`, with real commits, for tests with several connections."""
    return Caller(tokens.issue("app", name="Phone app", actor="user:admin")[1])


class Together:
    """Runs calls at the same time, each in a thread with a database connection of its own."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.answers: list[Any] = []

    def start(self, call: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                self.answers.append(call())
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def join(self) -> list[Any]:
        for thread in self.threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self.threads)
        return self.answers


@pytest.fixture
def together() -> Iterator[Together]:
    running = Together()
    yield running
    running.join()


class Clock:
    """Wall-clock bounds."""

    def __call__(self, *, less_than: float) -> "Clock":
        self.bound = less_than
        return self

    def __enter__(self) -> None:
        self.start = time.monotonic()

    def __exit__(self, *error: object) -> None:
        took = time.monotonic() - self.start
        if not any(error):
            assert took < self.bound, f"took {took:.3f} s"


@pytest.fixture
def clock() -> Clock:
    return Clock()
