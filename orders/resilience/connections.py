"""Pooled connections, one pool per process and neighbour, that obey one total deadline.

httpcore limits each phase (connect, one read, one write), so a neighbour that drips a byte at a time
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
from functools import cache, lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpcore

MAX_CONNECTIONS = 64
IDLE_SECONDS = 20.0
_AS_IT_IS: Final = "%/?:@!$&'()*+,;=[]"  # RFC 3986; what is quoted already stays so

# A line of its own for every step of a request is noise and may tell too much.
logging.getLogger("httpcore").setLevel(logging.WARNING)

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


def _pool(tls: ssl.SSLContext) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
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


_pools: dict[tuple[str, bool], httpcore.ConnectionPool] = {}
_lock = threading.Lock()


def pool(name: str, *, is_secure: bool) -> httpcore.ConnectionPool:
    """The connections of this process to one neighbour. They never cross a fork.

    Without httpx above them: its client looks for cookies, redirects and credentials, of which a neighbour has none,
    and its requests and answers cost a fifth of an inquiry's processor time (docs/benchmarks.md).
    """
    found = _pools.get((name, is_secure))
    if found is not None:
        return found
    tls = _tls() if is_secure else _no_tls()
    with _lock:
        return _pools.setdefault((name, is_secure), _pool(tls))


def url(base: str, path: str) -> httpcore.URL:
    """The address of `path` (with its query) behind `base`, a neighbour's own; what no address may hold is quoted.

    Raises httpcore.UnsupportedProtocol where `base` is no address.
    """
    home, rest = _home(base)
    target = quote(rest + path, safe=_AS_IT_IS).encode() or b"/"
    return httpcore.URL(scheme=home.scheme, host=home.host, port=home.port, target=target)


@lru_cache(maxsize=64)
def _home(base: str) -> tuple[httpcore.URL, str]:
    """Where to go, and what of the path is there already."""
    try:
        _scheme, _, rest = base.partition("//" + urlsplit(base).netloc)
        return httpcore.URL(base), rest
    except (ValueError, TypeError) as problem:  # TypeError: it is not of ASCII
        raise httpcore.UnsupportedProtocol(f"no address: {problem}") from problem


def _forget() -> None:
    global _pools, _lock
    _pools, _lock = {}, threading.Lock()


def close_all() -> None:
    """For an orderly end and for tests."""
    with _lock:
        for each in _pools.values():
            each.close()
        _pools.clear()


os.register_at_fork(after_in_child=_forget)
