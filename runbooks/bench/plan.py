"""How long a plan of ten thousand orders takes to make and to hash, against reading its rows by the driver.

The tables are copies in a schema of their own, dropped afterwards; planning is the product's.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from orders.bench.report import Report, median
from runbooks.bench import running
from runbooks.digest import digest_now
from runbooks.models import Plan
from runbooks.services.planning import Ask, make_plan

SCHEMA = "bench_plan"
TIMES = 3
TABLES = (
    *("orders_order", "orders_attempt", "orders_refund", "orders_posting", "orders_ledgerentry"),
    *("orders_operatoraction", "orders_resourcelock", "orders_notice"),
    *("runbooks_plan", "runbooks_planrow", "runbooks_planevent"),
)
READS = ("orders_order", "orders_attempt", "orders_refund", "orders_posting", "orders_ledgerentry")
_ORDERS = """
INSERT INTO orders_order (id, state, public_id, origin, channel, service, city, customer_id, customer_name,
    customer_phone, customer_email, amount, currency, method, promo_code, notes, hold_reason)
SELECT n, (ARRAY['paid_after_close', 'paid', 'completed', 'awaiting_payment'])[1 + n %% 4], 'B-' || n, 'platform',
    'app', 'taxi', 'Jakarta', 'C' || n, 'Siti', '+62811' || n, '', 50000 + n %% 900, 'IDR', 'qris', '', '{}', ''
FROM generate_series(1, %s) n
"""
_ATTEMPTS = """
INSERT INTO orders_attempt (id, state, order_id, number, gateway, method, amount, currency, reference,
    gateway_reference, link_url, answer, retryable)
SELECT id, 'paid', id, 1, 'midtrans', 'qris', amount, 'IDR', public_id || '-1', '', '', '', false FROM orders_order
"""
_LEDGER = """
INSERT INTO orders_ledgerentry (order_id, attempt_id, kind, amount, currency, gateway, source_key, occurred_at)
SELECT id, id, 'charged', amount, 'IDR', 'midtrans', 'charge:' || id, now() FROM orders_order WHERE id % 4 < 3
"""
_POSTINGS = """
INSERT INTO orders_posting (state, order_id, kind, reference, amount, currency, occurred_at, ho_reference)
SELECT 'due', id, 'payment', 'p' || id, amount, 'IDR', now(), '' FROM orders_order WHERE state = 'completed'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=10_000, help="orders of a plan (default: 10,000)")
    parser.add_argument("--run", type=int, default=0, help="also run one of so many rows; its orders stay")


def run(args: argparse.Namespace) -> Report:
    """Load, measure, drop."""
    report = Report(f"bench plan: {args.rows:,} orders (wanted: 10,000 in under 5 s)")
    with _tables():
        _load(args.rows)
        bare = _median(_read_bare)
        report.add("the same rows, read by the driver", bare, "s", ratio=1.0, note="baseline")
        for action in ("recheck_payment@1", "refund@1", "cancel_order@1", "repost_ho@1"):
            taken = _median(lambda action=action: _plan(args.rows, action))  # type: ignore[misc]
            plan = Plan.objects.order_by("-id")[0]
            note = f"{plan.eligible:,} eligible"
            report.add(f"make_plan(), {action}", taken, "s", ratio=taken / bare, note=note)
        hashed = _median(lambda: digest_now(Plan.objects.order_by("-id")[0]))
        report.add("its hash, computed anew", hashed, "s", ratio=hashed / bare)
    if args.run:
        running.measure(report, rows=args.run)
    return report


def _plan(rows: int, action: str) -> None:
    ask = Ask(action=action, proposer="user:bench", kind=Plan.Kind.FILTER)
    plan = make_plan(range(1, rows + 1), ask)
    if plan.eligible + plan.ineligible != rows:
        raise RuntimeError(f"{plan}: {plan.eligible} + {plan.ineligible} of {rows} rows")


def _read_bare() -> None:
    with connection.cursor() as cursor:
        for table in READS:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - names of our own tables
            cursor.fetchall()


@contextmanager
def _tables() -> Iterator[None]:
    """Empty copies of the product's tables, found before them by the search path."""
    _run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}")
    for table in TABLES:
        _run(f"CREATE UNLOGGED TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")
    _run(f"SET search_path = {SCHEMA}, public")
    try:
        yield
    finally:
        _run("RESET search_path", f"DROP SCHEMA {SCHEMA} CASCADE")


def _load(rows: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [rows])
    _run(_ATTEMPTS, _LEDGER, _POSTINGS, *(f"ANALYZE {table}" for table in READS))


def _median(work: Callable[[], object]) -> float:
    taken = []
    for _time in range(TIMES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
