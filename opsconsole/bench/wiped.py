"""How long until all due actions have run when Redis comes back empty in their middle, and whether each ran once.

Workers and ticker are the real processes, on a Redis of the benchmark's own. The workers stand still while staff asks
for refunds; Redis, which has the bells of all of them, is killed -9 and comes back empty; then the workers go on.
What went back is read in the sandbox's own book. The orders stay: run it on a scratch database.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import connection, transaction

from opsconsole.bench.own_broker import OwnRedis
from opsconsole.paths import PROJECT
from orders import crew
from orders.bench import applying
from orders.bench.report import Report
from orders.models import OperatorAction, Order
from orders.services import work
from orders.services.actions.requests import Wish, request
from orders.states import OrderVerb
from orders.transitions import lock, move

STAFF = "user:dewi"
PART = 5_000  # rupiah
LONGEST = 120.0  # seconds
LOOK_EVERY = 0.1
OVER = ("fixed", "accepted", "not_fixed", "refused", "unknown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--actions", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)


def run(args: argparse.Namespace) -> Report:
    """Ask for so many refunds, empty Redis, and wait for the last one."""
    report = Report(f"bench wiped: Redis is emptied with {args.actions} actions due, {args.workers} workers")
    own = OwnRedis()
    own.start()
    before = settings.REDIS_URL
    settings.REDIS_URL = own.environment["REDIS_URL"]
    try:
        with applying.own_sandbox():
            orders = _booked(args.actions + 1)
            with _processes(args.workers, own.environment) as workers:
                _until_done([_ask(orders[0])])  # everybody is up
                _signal(workers, signal.SIGSTOP)
                asked = crew.each(_ask, orders[1:], crew="bench")
                own.kill()
                began = time.perf_counter()
                own.start()
                _signal(workers, signal.SIGCONT)
                seconds = _until_done(asked, began=began)
            _tell(report, asked, seconds)
    finally:
        settings.REDIS_URL = before
        own.close()
    return report


def _booked(count: int) -> Sequence[Order]:
    """Orders whose trips have ended; nobody here told us so, because the sandbox's callbacks go nowhere."""
    attempts = applying.paid_attempts(count)
    applying.store_hints(attempts)
    for kind in ("inbound", "saga"):
        work.drain(kind, longest=600)
    orders = list(Order.objects.filter(pk__in=[attempt.order_id for attempt in attempts]).order_by("pk"))
    for order in orders:
        with transaction.atomic():
            move(lock(order), OrderVerb.COMPLETE, actor="bench")
    return orders


def _ask(order: Order) -> int:
    params = {"amount": PART, "cause": "goodwill"}
    fresh = Order.objects.get(pk=order.pk)
    wish = Wish("refund", STAFF, "The driver took a detour", fresh.version, f"bench-{uuid.uuid4().hex[:12]}", params)
    try:
        return request(fresh, wish).pk
    finally:
        connection.close()  # this thread's own


@contextmanager
def _processes(workers: int, broker: Mapping[str, str]) -> "Iterator[Sequence[subprocess.Popen[bytes]]]":
    """The workers; the ticker stays beside them."""
    environ = applying.environment(**broker, LOG_LEVEL="ERROR")
    commands = [["worker", "--queue", "act"]] * workers + [["ticker"]]
    with ExitStack() as stack:
        running = []
        for command in commands:
            one = subprocess.Popen(
                [sys.executable, "manage.py", *command], cwd=PROJECT, env=environ, start_new_session=True
            )
            stack.callback(one.wait)
            stack.callback(_signal, [one], signal.SIGKILL)
            running.append(one)
        yield running[:workers]


def _signal(processes: "Sequence[subprocess.Popen[bytes]]", which: signal.Signals) -> None:
    for each in processes:
        os.killpg(each.pid, which)


def _until_done(actions: Sequence[int], *, began: float | None = None) -> float:
    """Seconds until all are over; LONGEST where they are not."""
    began = time.perf_counter() if began is None else began
    rows = OperatorAction.objects.filter(pk__in=actions)
    while rows.exclude(status__in=OVER).exists() and time.perf_counter() - began < LONGEST:
        time.sleep(LOOK_EVERY)
    return time.perf_counter() - began


def _tell(report: Report, actions: Sequence[int], seconds: float) -> None:
    statuses = Counter(OperatorAction.objects.filter(pk__in=actions).values_list("status", flat=True))
    orders = OperatorAction.objects.filter(pk__in=actions).values_list("order__attempts__reference", flat=True)
    book = applying.control("GET", "/books/midtrans").get("effects", ())
    back = Counter(row["merchant_ref"] for row in book if row["effect"] == "refunded")
    times = [back[reference] for reference in orders]
    report.add("actions that ran", statuses["fixed"], "")
    report.add("lost", len(actions) - sum(statuses[each] for each in OVER), "")
    report.add("money given back exactly once", sum(each == 1 for each in times), "")
    report.add("more than once", sum(each > 1 for each in times), "")
    report.add("until the last one, from the kill", seconds, "s", note="wanted: 30 or less")
