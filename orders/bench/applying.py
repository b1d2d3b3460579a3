"""The second part of `bench callbacks`: how many stored ones a second workers judge and apply.

Baseline: the bare inquiries (the same questions to the same gateway by as many processes, nothing else),
because no callback may be applied without one. A sandbox of its own is started; the orders made
stay in the database: run it on a scratch one.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from orders import crew
from orders.bench import processor
from orders.bench.bare import database_url
from orders.bench.report import Report
from orders.clients.registry import gateway
from orders.models import Attempt, InboundEvent
from orders.resilience import call
from orders.resilience.outcome import Answered
from orders.services.callbacks import Message, store
from orders.services.placing import Customer, NewItem, place_order

HOST = "127.0.0.1"
SANDBOX = "the sandbox"
ASKER = """
import sys
from orders import crew
from orders.bench.applying import ask
from orders.models import Attempt
mine = list(Attempt.objects.filter(pk__range=({first}, {last})).order_by("pk"))[{part}::{parts}]
print("ready", flush=True)
sys.stdin.readline()
crew.each(ask, mine)
print("done", flush=True)
sys.stdin.readline()
"""
WORKER = """
import sys
from orders.services import work
work.drain("inbound", longest=600)
print("ready", flush=True)
sys.stdin.readline()
work.drain("inbound", longest=600)
print("done", flush=True)
sys.stdin.readline()
"""
WARM_UP = 128  # callbacks for each worker, as many as it takes at a time


@dataclass(frozen=True, slots=True)
class Rates:
    """A second."""

    applied: float
    asked: float  # bare inquiries: no callback is applied faster


def measure(report: Report, *, count: int, workers: int) -> Rates:
    """Worker processes of `WORK_THREADS` threads each apply `count` callbacks of as many orders, after a warm-up."""
    with own_sandbox() as sandbox:
        attempts = paid_attempts(min(count, WARM_UP * workers) + count)
        first, measured = attempts[:-count], attempts[-count:]
        seconds, spent = _measured(_askers(measured, parts=workers), sandbox)
        asked = count / seconds
        report.add("bare inquiries", asked, "/s", ratio=1.0, note=f"baseline, by {workers} processes")
        report.tell_processor("processor of one inquiry", spent, count=count)
        store_hints(first)
        seconds, spent = _measured([WORKER] * workers, sandbox, before=lambda: store_hints(measured))
        applied = count / seconds
        report.add("callbacks judged and applied", applied, "/s", ratio=applied / asked, note=f"by {workers} workers")
        report.tell_processor("processor of one applied", spent, count=count)
        left = InboundEvent.objects.filter(attempt__in=attempts).exclude(state="applied").count()
        report.add("not applied", left, "")
    return Rates(applied, asked)


def paid_attempts(count: int, *, method: str = "gopay", gateway: str = "midtrans") -> Sequence[Attempt]:
    """Attempts of as many new orders that are paid at their gateway, which nobody here knows yet."""
    orders = crew.each(partial(_order, method=method), range(count), crew="bench")
    attempts = list(Attempt.objects.filter(order__in=orders, gateway=gateway))
    crew.each(_pay, attempts, crew="bench")
    Attempt.objects.filter(order__in=orders).update(due_at=None)
    return attempts


def _order(number: int, *, method: str) -> int:
    customer = Customer(id=f"B-{number}", name="Bench", phone=f"+6280000{number:06}")
    items = [NewItem("taxi", 50_000, {"pickup": "A", "dropoff": "B"})]
    try:
        return place_order(channel="app", customer=customer, items=items, method=method, city="Jakarta").pk
    finally:
        connection.close()  # this thread's own


def _pay(attempt: Attempt) -> None:
    call("control", "POST", "/pay", json={"reference": attempt.reference})


def _askers(attempts: Sequence[Attempt], *, parts: int) -> Sequence[str]:
    keys = [attempt.pk for attempt in attempts]
    return [ASKER.format(first=min(keys), last=max(keys), part=part, parts=parts) for part in range(parts)]


def ask(attempt: Attempt) -> None:
    """The bare inquiry."""
    gateway(attempt.gateway).ask_status(
        attempt.reference, gateway_ref=attempt.gateway_reference, amount=attempt.amount, method=attempt.method
    )


def store_hints(attempts: Sequence[Attempt]) -> None:
    """As their gateways' callbacks would be."""
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


def _measured(
    scripts: Sequence[str], sandbox: int, *, before: Callable[[], None] = lambda: None
) -> tuple[float, Mapping[str, float]]:
    """Seconds until all are done, each in a process of its own that had started before, and who used the processor."""
    with ExitStack() as stack:
        crew_of = [stack.enter_context(shell(script, environment())) for script in scripts]
        hear(crew_of)
        before()
        who = {"the workers": [each.pid for each in crew_of], SANDBOX: [sandbox]}
        used, began = processor.used(who), time.perf_counter()
        say(crew_of)
        hear(crew_of)
        seconds, spent = time.perf_counter() - began, processor.since(used, processor.used(who))
        say(crew_of)
        return seconds, spent


def environment(**more: str) -> dict[str, str]:
    """Of a process that works on our database, with the neighbours that we know."""
    addresses = {f"{name.upper()}_URL": each["url"] for name, each in settings.UPSTREAMS.items()}
    return {**os.environ, **addresses, "DATABASE_URL": database_url(), **more}


def control(method: str, path: str, body: Any = None) -> Any:
    """What the sandbox says; nothing where it does not answer."""
    outcome = call("control", method, path, json=body)
    return outcome.data if isinstance(outcome, Answered) else {}


def shell(script: str, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A process of its own that runs the script and listens."""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", script]
    return subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def say(crew_of: Iterable["subprocess.Popen[bytes]"]) -> None:
    """A line to each."""
    for each in crew_of:
        os.write(each.stdin.fileno(), b"go\n")  # type: ignore[union-attr]  # both are pipes


def hear(crew_of: Iterable["subprocess.Popen[bytes]"]) -> None:
    """Each says one line: that it is ready, then that it found nothing more."""
    for each in crew_of:
        if not each.stdout or not each.stdout.readline():
            raise ChildProcessError("a worker ended before its work")


@contextmanager
def own_sandbox() -> Iterator[int]:
    """Neighbours of our own; nobody listens to their callbacks. Its process id."""
    base = _free_ports()
    command = [sys.executable, "manage.py", "sandbox", "--port-base", str(base), "--store", ":memory:"]
    command += ["--app-url", f"http://{HOST}:9"]
    before = settings.UPSTREAMS
    urls = {name: f"http://{HOST}:{base + offset}" for offset, name in enumerate(before, start=1)}
    ours = {name: {**before[name], "url": url} for name, url in urls.items()}
    ours["control"] = {"url": f"http://{HOST}:{base}", "timeout": 5.0, "tries": 1}
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as sandbox:
        try:
            for offset in range(len(before) + 1):
                _wait_for(base + offset)
            settings.UPSTREAMS = ours
            yield sandbox.pid
        finally:
            settings.UPSTREAMS = before
            sandbox.terminate()


def _free_ports() -> int:
    """The first of a run of ports that are free now."""
    for base in range(18_100, 30_000, 20):
        if all(_is_free(base + offset) for offset in range(len(settings.UPSTREAMS) + 1)):
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
