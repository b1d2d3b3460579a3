"""How many calls of an endpoint are taken: token buckets in Redis, or in this process while Redis is away.

A limit protects us from a flood, not from Redis: without it each process takes what the whole
platform may, rather than turn a customer away (ADR 0031).
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Final

from django.conf import settings
from prometheus_client import Counter

from orders.resilience.latched import latched

ALL, TOKEN = "all", "token"
MOST_KEPT: Final = 10_000  # buckets of this process
LIMITED = Counter(
    "orderorchestrator_rate_limited", "Calls answered 429, by endpoint and whose limit.", ["endpoint", "scope"]
)


@dataclass(frozen=True, slots=True)
class Figures:
    """`rate` tokens a second, at most `burst` at once."""

    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Of everybody together, and of each channel token. A token may have figures of its own."""

    all: Figures
    token: Figures


def _same(rate: float, burst: float) -> Limit:
    return Limit(Figures(rate, burst), Figures(rate, burst))


# Domain, section 3. Where it names no burst: what a second brings.
DEFAULTS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "create_cart": _same(200, 200),
        "add_item": _same(500, 500),
        "create_order": _same(100, 200),
        "order_detail": _same(1000, 1000),
    }
)


@dataclass(frozen=True, slots=True)
class Refused:
    """`wait` in whole seconds; `scope` is whose limit it was."""

    wait: int
    scope: str


def take(endpoint: str, *, caller: int) -> Refused | None:
    """A token of `endpoint` for the channel token `caller`; None when there was one."""
    found = _ask(endpoint, caller)
    refused = _local(endpoint, caller) if found is None else found if isinstance(found, Refused) else None
    if refused:
        LIMITED.labels(endpoint, refused.scope).inc()
    return refused


def _ask(endpoint: str, caller: int) -> Refused | bool | None:
    """True: given. None: Redis does not answer."""
    redis, limit = latched(), DEFAULTS[endpoint]
    if redis is None:
        return None
    home = f"{settings.REDIS_PREFIX}rate:{endpoint}"
    figures = (limit.all.rate, limit.all.burst, limit.token.rate, limit.token.burst)
    keys = [figures_key(), f"{home}/all", f"{home}/token:{caller}"]
    found = redis.run(_lua(), keys=keys, args=[endpoint, caller, *figures])
    if found is None:
        return None
    given, wait, scope, *used = found
    rate_all, burst_all, rate_one, burst_one = (float(each) for each in used)
    _known[endpoint, caller] = Limit(Figures(rate_all, burst_all), Figures(rate_one, burst_one))
    return True if given else Refused(math.ceil(int(wait) / 1000), scope)


def figures_key() -> str:
    """The hash of figures that differ from the defaults."""
    return f"{settings.REDIS_PREFIX}rate-figures"


@cache
def _lua() -> str:
    return Path(__file__).with_name("bucket.lua").read_text()


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class _Buckets:
    held: dict[tuple[str, str], _Bucket] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def fill(self, key: tuple[str, str], figures: Figures) -> _Bucket:
        now = time.monotonic()
        bucket = self.held.setdefault(key, _Bucket(figures.burst, now))
        bucket.tokens = min(figures.burst, bucket.tokens + (now - bucket.at) * figures.rate)
        bucket.at = now
        return bucket


_known: dict[tuple[str, int], Limit] = {}  # figures Redis named last
_buckets = _Buckets()


def _local(endpoint: str, caller: int) -> Refused | None:
    limit = _known.get((endpoint, caller), DEFAULTS[endpoint])
    with _buckets.lock:
        if len(_buckets.held) > MOST_KEPT:
            _buckets.held.clear()
        one = _buckets.fill((endpoint, f"{TOKEN}:{caller}"), limit.token)
        everybody = _buckets.fill((endpoint, ALL), limit.all)
        for bucket, figures, scope in ((one, limit.token, TOKEN), (everybody, limit.all, ALL)):
            if bucket.tokens < 1:
                return Refused(math.ceil((1 - bucket.tokens) / figures.rate), scope)
        one.tokens -= 1
        everybody.tokens -= 1
        return None


def forget() -> None:
    """Begin as a new process would; for tests."""
    _known.clear()
    _buckets.held.clear()
