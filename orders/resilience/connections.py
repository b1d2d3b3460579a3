"""Pooled connections, one pool per process and neighbour, that obey one total deadline.

httpx limits each phase (connect, one read, one write), so a neighbour that drips a byte at a time
holds a caller for ever. Here the socket itself knows the deadline of the call in hand.
"""

import contextvars
import logging
import os
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

MAX_CONNECTIONS = 64
IDLE_SECONDS = 20.0

# A line of its own for every request, address and query included, is noise and may tell too much.
logging.getLogger("httpx").setLevel(logging.WARNING)

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=float("inf"))


@contextmanager
def until(instant: float) -> Iterator[None]:
    """Every socket operation inside ends before `instant` (monotonic clock)."""
    token = _deadline.set(instant)
    try:
        yield
    finally:
        _deadline.reset(token)


def _remaining(timeout: float | None, *, expired: type[Exception]) -> float | None:
    left = _deadline.get() - time.monotonic()
    if left == float("inf"):
        return timeout
    if left <= 0:
        raise expired("deadline passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _remaining(timeout, expired=httpcore.ReadTimeout)
        return self._inner.read(max_bytes, timeout=left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout=_remaining(timeout, expired=httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _remaining(timeout, expired=httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout=left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _remaining(timeout, expired=httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


class _Transport(httpx.HTTPTransport):
    """httpx has no argument for the network backend, so the pool is built here."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_Backend(),
        )


@cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the certificates takes a tenth of a second."""
    return ssl.create_default_context()


@cache
def _no_tls() -> ssl.SSLContext:
    """Trusts nobody, for addresses without TLS."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


_transports: dict[tuple[str, bool], httpx.BaseTransport] = {}
_lock = threading.Lock()


def transport(name: str, *, is_secure: bool) -> httpx.BaseTransport:
    """The connections of this process to one neighbour. They never cross a fork.

    Without httpx's client above them: it looks for cookies, redirects and credentials, of which a neighbour has none,
    and costs a quarter of an inquiry's processor time (docs/benchmarks.md).
    """
    found = _transports.get((name, is_secure))
    if found is not None:
        return found
    tls = _tls() if is_secure else _no_tls()
    with _lock:
        return _transports.setdefault((name, is_secure), _Transport(tls))


def _forget() -> None:
    global _transports, _lock
    _transports, _lock = {}, threading.Lock()


def close_all() -> None:
    """For an orderly end and for tests."""
    with _lock:
        for each in _transports.values():
            each.close()
        _transports.clear()


os.register_at_fork(after_in_child=_forget)
