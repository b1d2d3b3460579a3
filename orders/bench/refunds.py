"""How many refunds end a second at the gateway without keys, while three of ten calls go wrong; how many twice.

Nicepay takes every cancellation it gets. Requests are lost, answers are lost, and some effects come after we gave up.
Each payment has one refund of a part under way at a time; the next one is asked for when it has ended. What really
went back is read in the sandbox's own book. Looks that are due after the quarantine are brought forward, so that the
ladder's minutes do not pass. The orders stay: run it on a scratch database.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from orders import crew
from orders.bench import applying
from orders.bench.report import Report
from orders.ladders import quarantine
from orders.models import Attempt, Refund
from orders.services import refunds, work
from orders.states import AttemptState, RefundState
from orders.transitions import lock

GATEWAY = "nicepay"
PART = 100  # rupiah
FAULTS = {
    "reset_rate": 0.1,
    "reset_after_rate": 0.08,
    "error_after_rate": 0.06,
    "late_effect": 0.06,
    "late_seconds": 2.0,
}
NO_ANSWER = "1"  # seconds until an answer is given up
UNDER_WAY = (RefundState.REQUESTED, RefundState.APPROVED, RefundState.SENT, RefundState.UNKNOWN)
LONGEST_END = 120.0  # seconds until what is under way must have ended
WORKER = """
import sys, threading
from orders.services import work
stop = threading.Event()
print("ready", flush=True)
sys.stdin.readline()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
while not stop.is_set():
    work.drain("refund", longest=5) or stop.wait(0.05)
print("done", flush=True)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--attempts", type=int, default=300, help="payments, each with one refund under way")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)


def run(args: argparse.Namespace) -> Report:
    """Refund for so long, let everything end, and compare with the gateway's book."""
    report = Report(f"bench refunds: {args.attempts} payments at {GATEWAY}, 30 % of the calls go wrong")
    with applying.own_sandbox():
        attempts = _paid(args.attempts)
        applying.control("PATCH", f"/faults/{GATEWAY}", {**FAULTS, "only": ["refund"]})
        with _workers(args.workers):
            began = time.perf_counter()
            _keep_asking(attempts, until=began + args.seconds)
            rate = _of(attempts).filter(state="succeeded").count() / (time.perf_counter() - began)
            _wait_for_the_end(attempts)
        report.add("refunds a second, while they were asked for", rate, "/s")
        _tell(report, attempts)
    return report


def _paid(count: int) -> Sequence[Attempt]:
    """The two gateways before it say no to the link."""
    for other in ("midtrans", "xendit"):
        applying.control("PATCH", f"/faults/{other}", {"reject": 1.0, "only": ["create"]})
    attempts = applying.paid_attempts(count, method="card", gateway=GATEWAY)
    applying.control("DELETE", "/faults")
    applying.store_hints(attempts)
    work.drain("inbound", longest=600)
    ids = [attempt.pk for attempt in attempts]
    return list(Attempt.objects.filter(pk__in=ids, state=AttemptState.PAID).select_related("order"))


@contextmanager
def _workers(count: int) -> Iterator[None]:
    environ = applying.environment(NICEPAY_TIMEOUT=NO_ANSWER, NICEPAY_BREAKER="off", LOG_LEVEL="ERROR")
    with ExitStack() as stack:
        crew_of = [stack.enter_context(applying.shell(WORKER, environ)) for _worker in range(count)]
        applying.hear(crew_of)
        applying.say(crew_of)
        try:
            yield
        finally:
            applying.say(crew_of)
            applying.hear(crew_of)


def _keep_asking(attempts: Sequence[Attempt], *, until: float) -> None:
    while time.perf_counter() < until:
        busy = set(_of(attempts).filter(state__in=UNDER_WAY).values_list("attempt_id", flat=True))
        crew.each(_ask_for_one, [each for each in attempts if each.pk not in busy], crew="bench")
        _bring_forward(attempts)


def _ask_for_one(attempt: Attempt) -> None:
    try:
        with transaction.atomic():
            lock(attempt.order)
            number = attempt.refunds.count() + 1
            refunds.request(attempt, amount=PART, cause=f"bench-{number}", actor="policy:bench", reason="a part")
    finally:
        connection.close()  # this thread's own


def _bring_forward(attempts: Sequence[Attempt]) -> None:
    quiet = timezone.now() - quarantine()
    late = _of(attempts).filter(state__in=UNDER_WAY, lease_until=None, entered_at__lt=quiet, due_at__gt=timezone.now())
    late.update(due_at=timezone.now())


def _wait_for_the_end(attempts: Sequence[Attempt]) -> None:
    until = time.perf_counter() + LONGEST_END
    while _of(attempts).filter(state__in=UNDER_WAY).exists() and time.perf_counter() < until:
        _bring_forward(attempts)
        time.sleep(0.5)


def _of(attempts: Sequence[Attempt]) -> Any:
    return Refund.objects.filter(attempt__in=[attempt.pk for attempt in attempts])


def _tell(report: Report, attempts: Sequence[Attempt]) -> None:
    ended = Counter(_of(attempts).values_list("state", flat=True))
    theirs: Counter[str] = Counter()
    for row in applying.control("GET", f"/books/{GATEWAY}").get("effects", ()):
        theirs[row["merchant_ref"]] += row["amount"] if row["effect"] == "refunded" else 0
    ours: Counter[str] = Counter()
    for reference, amount in _of(attempts).filter(state="succeeded").values_list("attempt__reference", "amount"):
        ours[reference] += amount
    report.add("refunds that ended well", ended["succeeded"], "")
    report.add("that the gateway answered at once", _count(attempts, lambda each: each.tries <= 1), "")
    report.add("given back more than once", sum(theirs[each] > ours[each] for each in theirs | ours), "payments")
    report.add(
        "said to be given back, and were not", sum(theirs[each] < ours[each] for each in theirs | ours), "payments"
    )
    report.add("a person's task", ended["failed"], "")
    report.add("left without an end", sum(ended[state] for state in UNDER_WAY), "")


def _count(attempts: Sequence[Attempt], wanted: Callable[[Refund], bool]) -> int:
    return sum(map(wanted, _of(attempts).filter(state="succeeded").iterator()))
