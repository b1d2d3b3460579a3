"""What the breaker costs a call, against a bare Redis round trip.

Asks and tells a breaker of its own, closed, many times, as `orders.resilience` does around each try; no neighbour is
called. Then the same with a Redis that nobody listens for.
"""

import argparse
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import redis
from django.conf import settings
from django.test import override_settings

from orders.bench.report import Report, median, quantile
from orders.resilience.breaker import shared
from orders.resilience.breaker.gate import Breaker
from orders.resilience.breaker.policy import Policy
from orders.resilience.guards import Ticket
from orders.resilience.outcome import Answered, Unknown

NAME = "bench"
WANTED = 1.0  # ms a call


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=3000)


def run(args: argparse.Namespace) -> Report:
    """Measure with keys of this run, and remove them."""
    report = Report(f"bench breaker: {args.calls} calls, one at a time; wanted: less than {WANTED:.0f} ms a call")
    with _own_breaker():
        ping, breaker = redis.Redis.from_url(settings.REDIS_URL).ping, Breaker(NAME)
        _tell(report, "a call that succeeds", partial(_call, breaker), beside=ping, times=args.calls)
        _tell(report, "a call that fails", partial(_call, breaker, fails=True), beside=ping, times=args.calls)
        shared.run("force", NAME, Policy(), "open", int((time.time() + 3600) * 1000))
        _tell(report, "a call turned away", partial(_call, breaker), beside=ping, times=args.calls)
        with override_settings(REDIS_URL=_nobody()):
            _tell(report, "a call without Redis", partial(_call, Breaker(NAME)), beside=ping, times=args.calls)
    return report


def _call(breaker: Breaker, *, fails: bool = False) -> None:
    ticket = breaker.admit(is_retry=False)
    if isinstance(ticket, Ticket):
        breaker.report(ticket, Unknown("") if fails else Answered(200, None))


@contextmanager
def _own_breaker() -> Iterator[None]:
    """It never opens by itself: half of the failures would otherwise be turned away and cost less."""
    policy = {"consecutive": 10**9, "calls": 10**9, "ratio": 1.0}
    upstream = {"url": "", "timeout": 1.0, "tries": 1}
    prefix = f"bench-{uuid.uuid4().hex}:"
    with override_settings(REDIS_PREFIX=prefix, BREAKERS={NAME: policy}, UPSTREAMS={NAME: upstream}):
        yield
        redis.Redis.from_url(settings.REDIS_URL).delete(*shared.keys(NAME))


def _tell(report: Report, name: str, work: Callable[[], object], *, beside: Callable[[], object], times: int) -> None:
    """In turn with the baseline, so that whatever else the machine does slows both."""
    bare, took = [], []
    for _number in range(times):
        bare.append(_milliseconds(beside))
        took.append(_milliseconds(work))
    ratio = median(took) / median(bare)
    note = f"p99 {quantile(took, 0.99):.2f} ms; bare round trip {median(bare):.3f} ms"
    report.add(f"{name}, median", median(took), "ms", ratio=ratio, note=note)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"redis://127.0.0.1:{server.getsockname()[1]}/0"
