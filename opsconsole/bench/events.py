"""How long an event takes from its change to its consumer, while relay, consumer and broker are killed.

Orders go through their states at a steady rate; real relay and consumer processes, two of each, are killed -9 in turn
and replaced. The broker is one of the benchmark's own: killed -9 half way and started again, a RabbitMQ with its
queues, a Redis empty. Nothing may be lost, nor happen twice, nor come to the consumer out of its order within an
order. The orders stay: run it on a scratch database.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle

from django.db import connection, transaction

from opsconsole.bench.own_broker import OwnBroker, own_broker
from opsconsole.paths import PROJECT
from orders.bench.bare import database_url
from orders.bench.report import Report
from orders.consumers import CONSUMERS
from orders.context import act_as
from orders.models import Notice, Order, Outbox, Subscription
from orders.states import OrderState, OrderVerb
from orders.transitions import move

CONSUMER = "notices"
WAY = (OrderVerb.PAY, OrderVerb.BOOK, OrderVerb.QUEUE, OrderVerb.CONFIRM, OrderVerb.COMPLETE)
LONGEST = 120.0  # seconds until everything must have come

_FOUND = """
WITH told AS (
    SELECT h.order_id, h.seq, r.id AS receipt, extract(epoch FROM r.at - h.recorded_at) AS seconds
    FROM orders_history h JOIN orders_order o ON o.id = h.order_id
    LEFT JOIN orders_receipt r ON r.consumer = %(consumer)s AND r.event_id = 'h-' || h.id
    WHERE o.public_id LIKE %(mine)s
      AND (h.machine, h.verb) IN (SELECT * FROM unnest(%(machines)s::text[], %(verbs)s::text[]))
), placed AS (
    SELECT *, lag(receipt) OVER (PARTITION BY order_id ORDER BY seq) AS before FROM told
)
SELECT count(*), count(*) FILTER (WHERE receipt IS NULL), count(*) FILTER (WHERE receipt < before),
       percentile_cont(ARRAY[0.5, 0.99, 1.0]) WITHIN GROUP (ORDER BY seconds)
FROM placed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=10, help="orders a second; each has six events")
    parser.add_argument("--kill-every", type=float, default=0, help="seconds between two kills; 0 for none")
    parser.add_argument("--broker", choices=("rabbitmq", "redis"), default="redis")
    parser.add_argument("--kill-broker", action="store_true", help="kill -9 the broker half way, start it again")


def run(args: argparse.Namespace) -> Report:
    broker, mine = own_broker(args.broker), f"BENCH-{uuid.uuid4().hex[:8]}-"
    report = Report(f"bench events: {broker.name}, a kill every {args.kill_every:g} s (0: none)")
    with _processes(broker) as crew:
        _wait(lambda: Subscription.objects.filter(pk=CONSUMER).exists(), longest=60)
        _live(f"WARM-{mine}")  # everybody runs and has spoken to the broker before anything is measured
        _wait(lambda: not _numbers(f"WARM-{mine}")[1])
        placed = _place(mine, args, crew)
        waited = _wait(lambda: not _numbers(mine)[1] and not Outbox.objects.filter(published_at=None).exists())
    count, lost, inverted, marks = _numbers(mine)
    report.add("orders placed and completed", placed, "")
    report.add("events for the consumer", count, "", note=f"of {placed * (len(WAY) + 1)} published")
    report.add("processes killed -9", crew.killed, "")
    report.add("broker killed -9, and back after", crew.broker_away, "s")
    report.add("lost", lost, "")
    report.add("effects that happened twice", _twice(mine), "", note=f"of {_effects(mine)} messages made of them")
    report.add("inverted within an order", inverted, "")
    for name, mark in zip(("p50", "p99", "longest"), marks or (0, 0, 0), strict=True):
        report.add(f"from change to consumer, {name}", (mark or 0) * 1000, "ms")
    report.add("until the last had come, after the last change", waited, "s")
    return report


class Crew:
    """Two relays and two consumers: one of each works, the other stands by."""

    def __init__(self, broker: OwnBroker) -> None:
        self.killed, self.broker_away = 0, 0.0
        self._broker = broker
        self._restart: threading.Thread | None = None
        self._running = [(name, self._start(name)) for name in ("relay", "consumer") * 2]
        self._next = cycle(range(len(self._running)))

    def kill_one(self) -> None:
        """The next in turn, without a word; another takes its place."""
        place = next(self._next)
        name, process = self._running[place]
        process.kill()
        process.wait()
        self.killed += 1
        self._running[place] = (name, self._start(name))

    def kill_broker(self) -> None:
        """Gone without a word, and started again at once, while changes go on in the caller's thread."""
        began = time.monotonic()
        self._broker.kill()

        def again() -> None:
            self._broker.start()
            self.broker_away = time.monotonic() - began

        self._restart = threading.Thread(target=again)
        self._restart.start()

    def stop(self) -> None:
        for _name, process in self._running:
            process.kill()
            process.wait()
        if self._restart is not None:
            self._restart.join()

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        own = {"DATABASE_URL": database_url(), "LOG_LEVEL": "ERROR", **self._broker.environment}
        return subprocess.Popen([sys.executable, "manage.py", name], env={**os.environ, **own}, cwd=PROJECT)


@contextmanager
def _processes(broker: OwnBroker) -> Iterator[Crew]:
    with closing(broker):
        broker.start()
        crew = Crew(broker)
        try:
            yield crew
        finally:
            crew.stop()


def _place(mine: str, args: argparse.Namespace, crew: Crew) -> int:
    """Orders at the asked rate, with the kills between them. How many."""
    began = time.monotonic()
    killed_at, killed, number = began, False, 0
    while (now := time.monotonic()) - began < args.seconds:
        _live(f"{mine}{number}")
        number += 1
        if args.kill_every and now - killed_at > args.kill_every:
            crew.kill_one()
            killed_at = now
        if args.kill_broker and not killed and now - began > args.seconds / 2:
            crew.kill_broker()
            killed = True
        time.sleep(max(0.0, began + number / args.rate - time.monotonic()))
    return number


def _live(public_id: str) -> None:
    """One order through its life, every change a transaction of its own."""
    with transaction.atomic():
        act_as("bench")
        order = Order.objects.create(
            public_id=public_id, service="taxi", amount=1, state=OrderState.CREATED, customer_phone="+620000000000"
        )
    for verb in WAY:
        with transaction.atomic():
            move(order, verb, actor="bench")


def _effects(mine: str) -> int:
    return Notice.objects.filter(order__public_id__startswith=mine).count()


def _twice(mine: str) -> int:
    """Messages beyond the first of one kind for one event."""
    made = Notice.objects.filter(order__public_id__startswith=mine)
    return made.count() - made.values("order", "template", "cause").distinct().count()


def _numbers(mine: str) -> tuple[int, int, int, list[float] | None]:
    wanted = sorted(CONSUMERS[CONSUMER].wants)
    facts = {"machines": [machine for machine, _verb in wanted], "verbs": [verb for _machine, verb in wanted]}
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, {**facts, "consumer": CONSUMER, "mine": f"{mine}%"})
        count, lost, inverted, marks = cursor.fetchone()
    return count, lost, inverted, marks


def _wait(is_so: Callable[[], bool], *, longest: float = LONGEST) -> float:
    """Seconds until it was so, or `longest`."""
    began = time.monotonic()
    while not is_so() and time.monotonic() - began < longest:
        time.sleep(0.1)
    return time.monotonic() - began
