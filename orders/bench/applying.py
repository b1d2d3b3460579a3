"""The second part of `bench callbacks`: how many stored ones a second workers judge and apply.

Baseline: the bare inquiries (the same questions to the same gateway, side by side, nothing else),
because no callback may be applied without one. A sandbox of its own is started; the orders made
stay in the database: run it on a scratch one.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import connection
from django.utils import timezone

from orders import crew
from orders.bench.bare import database_url
from orders.bench.report import Report
from orders.clients.registry import gateway
from orders.models import Attempt, InboundEvent
from orders.resilience import call
from orders.services.callbacks import Message, store
from orders.services.placing import Customer, NewItem, place_order

HOST = "127.0.0.1"
WORKER = """
import sys
from orders.services import work
print("ready", flush=True)
sys.stdin.readline()
work.drain("inbound", longest=600)
print("done", flush=True)
"""


def measure(report: Report, *, count: int, workers: int) -> float:
    """Worker processes of `WORK_THREADS` threads each apply `count` callbacks of as many orders; how many a second."""
    with _sandbox():
        attempts = _paid_attempts(count)
        bare = _inquiries(attempts)
        report.add("bare inquiries", bare, "/s", ratio=1.0, note="baseline")
        _store(attempts)
        rate = len(attempts) / _drained_by(workers)
        report.add("callbacks judged and applied", rate, "/s", ratio=rate / bare, note=f"by {workers} workers")
        left = InboundEvent.objects.filter(attempt__in=attempts).exclude(state="applied").count()
        report.add("not applied", left, "")
    return rate


def _paid_attempts(count: int) -> Sequence[Attempt]:
    orders = crew.each(_order, range(count), crew="bench")
    attempts = list(Attempt.objects.filter(order__in=orders))
    crew.each(_pay, attempts, crew="bench")
    Attempt.objects.filter(order__in=orders).update(due_at=None)
    return attempts


def _order(number: int) -> int:
    customer = Customer(id=f"B-{number}", name="Bench", phone=f"+6280000{number:06}")
    items = [NewItem("taxi", 50_000, {"pickup": "A", "dropoff": "B"})]
    try:
        return place_order(channel="app", customer=customer, items=items, method="gopay", city="Jakarta").pk
    finally:
        connection.close()  # this thread's own


def _pay(attempt: Attempt) -> None:
    call("control", "POST", "/pay", json={"reference": attempt.reference})


def _inquiries(attempts: Sequence[Attempt]) -> float:
    began = time.perf_counter()
    crew.each(_ask, attempts)
    return len(attempts) / (time.perf_counter() - began)


def _ask(attempt: Attempt) -> None:
    gateway(attempt.gateway).ask_status(
        attempt.reference, gateway_ref=attempt.gateway_reference, amount=attempt.amount, method=attempt.method
    )


def _store(attempts: Sequence[Attempt]) -> None:
    for attempt in attempts:
        store(
            Message(
                source=attempt.gateway,
                raw=f"bench {attempt.reference} {timezone.now()}".encode(),
                reference=attempt.reference,
                claim="settlement/accept/200",
                attempt=attempt.reference,
            )
        )


def _drained_by(workers: int) -> float:
    """Seconds until nothing is left for processes that had started before."""
    addresses = {f"{name.upper()}_URL": each["url"] for name, each in settings.UPSTREAMS.items()}
    environ = {**os.environ, **addresses, "DATABASE_URL": database_url()}
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", WORKER]
    with ExitStack() as stack:
        crew_of = [
            stack.enter_context(subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for _number in range(workers)
        ]
        _hear(crew_of)
        began = time.perf_counter()
        for each in crew_of:
            os.write(each.stdin.fileno(), b"go\n")  # type: ignore[union-attr]  # both are pipes
        _hear(crew_of)
        return time.perf_counter() - began


def _hear(crew_of: Iterable["subprocess.Popen[bytes]"]) -> None:
    """Each says one line: that it is ready, then that it found nothing more."""
    for each in crew_of:
        if not each.stdout or not each.stdout.readline():
            raise ChildProcessError("a worker ended before its work")


@contextmanager
def _sandbox() -> Iterator[None]:
    """Neighbours of our own; nobody listens to their callbacks."""
    base = _free_ports()
    command = [sys.executable, "manage.py", "sandbox", "--port-base", str(base), "--store", ":memory:"]
    command += ["--app-url", f"http://{HOST}:9"]
    before = settings.UPSTREAMS
    urls = {name: f"http://{HOST}:{base + offset}" for offset, name in enumerate(before, start=1)}
    ours = {name: {**before[name], "url": url} for name, url in urls.items()}
    ours["control"] = {"url": f"http://{HOST}:{base}", "timeout": 5.0, "tries": 1}
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as sandbox:
        try:
            _wait_for(base)
            settings.UPSTREAMS = ours
            yield
        finally:
            settings.UPSTREAMS = before
            sandbox.terminate()


def _free_ports() -> int:
    """The first of a run of ports that are free now."""
    for base in range(18_100, 30_000, 20):
        if all(_is_free(base + offset) for offset in range(14)):
            return base
    raise OSError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def _wait_for(port: int) -> None:
    for _try in range(200):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the sandbox did not start")
