"""How long the stuck list, its totals and its counts take, with ten million orders beside what hangs.

The tables are copies in a schema of their own, filled by COPY without triggers and dropped afterwards;
the queries are the product's. Baseline: the list's own SQL by PostgreSQL's driver.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import connection
from django.utils import timezone

from orders.bench.report import Report, median
from orders.policies import Limits
from orders.queries.stuck import StuckFilter, stuck_counts, stuck_page, stuck_totals
from orders.queries.stuck.lists import page_statement
from orders.states import Service

SCHEMA = "bench_stuck"
TIMES = 15
# Indexes that the queries may use; the others would only make loading slow.
TABLES: dict[str, tuple[str, ...]] = {
    "orders_order": ("orders_order_pkey", "order_open_age"),
    "orders_attempt": ("orders_attempt_pkey", "attempt_unfit_age", "%order_id%"),
    "orders_saga": ("orders_saga_pkey", "saga_hand_age", "%order_id%"),
    "orders_dispatchentry": ("orders_dispatchentry_pkey", "dispatch_live_birth", "%order_id%"),
    "orders_refund": ("orders_refund_pkey", "refund_open_birth", "%order_id%"),
    "orders_posting": ("orders_posting_pkey", "posting_open_birth", "%order_id%"),
    "orders_diagnosis": ("orders_diagnosis_pkey",),
}
# Of a hundred hanging orders: how many hang in which state of their own, or by what else.
SHARES = {
    "created": 10, "awaiting_payment": 12, "paid": 10, "booking": 15, "queued_for_dispatch": 10,
    "active": 20, "paid_after_close": 3, "saga": 2, "dispatch": 3, "refund": 5, "posting": 10,
}  # fmt: skip
UNDER_WAY = ("created", "awaiting_payment", "booking", "active", "active", "active")
# As `_Rows.orders` writes them.
ORDER_COLUMNS = (
    "id, state, entered_at, version, created_at, public_id, origin, channel, service, city, customer_id,"
    " customer_name, customer_phone, customer_email, amount, currency, method, promo_code, notes, placed_at,"
    " promised_by, expires_at, held_until, hold_reason, owner_id, owning_attempt_id"
)
CITIES = ("Jakarta", "Bandung", "Surabaya", "Semarang", "Medan", "Bali")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_row_arguments(parser, rows=1_000_000)
    parser.add_argument("--keep", action="store_true", help="leave the schema, to look at plans")


def add_row_arguments(parser: argparse.ArgumentParser, *, rows: int) -> None:
    """What `filled` asks for."""
    parser.add_argument("--rows", type=int, default=rows, help=f"orders in all (default: {rows:,})")
    parser.add_argument("--stuck", type=int, default=16_000, help="orders that hang (default: 16,000)")
    parser.add_argument("--open", type=int, default=20_000, help="orders under way and in time (default: 20,000)")


def run(args: argparse.Namespace) -> Report:
    """Load, measure, drop."""
    report = Report(f"bench stuck: {args.rows:,} orders, {args.stuck:,} of them hang")
    with filled(args, keep=args.keep) as seconds:
        report.add("rows loaded by COPY, indexed, analysed", args.rows / seconds, "/s")
        _measure(report)
    return report


@dataclass(frozen=True)
class Filling:
    """Which tables are copied with which of their indexes (patterns of names), and what is written into them after
    the orders that hang: `statements` are run without triggers, and an id has to be given."""

    tables: Mapping[str, Sequence[str]] = field(default_factory=lambda: TABLES)
    statements: Sequence[str] = ()

    @classmethod
    def with_every_index(cls) -> Self:
        return cls(dict.fromkeys(TABLES, ("%",)))


@contextmanager
def filled(args: argparse.Namespace, *, keep: bool = False, filling: Filling | None = None) -> Iterator[float]:
    """The product's tables hold `args.rows` orders meanwhile; gives the seconds that took."""
    filling = filling or Filling()
    with _tables(filling.tables, keep=keep):
        began = time.perf_counter()
        _load(args, filling)
        yield time.perf_counter() - began


@contextmanager
def _tables(tables: Iterable[str], *, keep: bool) -> Iterator[None]:
    """Empty copies of the product's tables, found before them by the search path."""
    run_all(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}")
    for table in tables:
        run_all(f"CREATE UNLOGGED TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING DEFAULTS)")
    try:
        with found_first():
            yield
    finally:
        run_all(*(() if keep else (f"DROP SCHEMA {SCHEMA} CASCADE",)))


@contextmanager
def found_first() -> Iterator[None]:
    """The copies are what every query reads meanwhile."""
    run_all(f"SET search_path = {SCHEMA}, public")
    try:
        yield
    finally:
        run_all("RESET search_path")


def _load(args: argparse.Namespace, filling: Filling) -> None:
    chance = random.Random(7)  # noqa: S311 - chance, not secrecy
    rows = _Rows(timezone.now(), chance, args.rows)
    kinds = rows.shuffled(stuck=args.stuck, under_way=args.open)
    _copy(f"orders_order ({ORDER_COLUMNS})", rows.orders(kinds))
    for into, lines in rows.others(kinds):
        _copy(into, lines)
    run_all(*filling.statements)
    for table, names in filling.tables.items():
        for definition in _indexes(table, names):
            run_all(definition.replace("public.", f"{SCHEMA}."))
    for table in filling.tables:
        run_all(f"VACUUM (ANALYZE) {SCHEMA}.{table}")


def _indexes(table: str, names: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = %s AND indexname LIKE ANY(%s)",
            [table, list(names)],
        )
        return [definition for (definition,) in cursor.fetchall()]


class _Rows:
    """Lines for COPY. An order is a number; what hangs is dealt over the whole table by chance."""

    def __init__(self, now: datetime, chance: random.Random, count: int) -> None:
        self.now, self.chance, self.count = now, chance, count

    def shuffled(self, *, stuck: int, under_way: int) -> dict[int, str]:
        """Which orders hang (by what), and which are under way ("")."""
        chosen = self.chance.sample(range(1, self.count + 1), min(stuck + under_way, self.count))
        kinds = [kind for kind, share in SHARES.items() for _each in range(share)]
        hanging = {number: kinds[at % len(kinds)] for at, number in enumerate(chosen[:stuck])}
        return hanging | dict.fromkeys(chosen[stuck:], "")

    def orders(self, kinds: dict[int, str]) -> Iterator[str]:
        old, fresh = self._at(days=30), self._at(seconds=1)
        for number in range(1, self.count + 1):
            kind = kinds.get(number)
            state, at = "completed", old
            if kind == "":
                state, at = self.chance.choice(UNDER_WAY), fresh
            elif kind is not None:
                state, at = self._hanging(kind)
            service, city = Service.values[number % 4], CITIES[number % 6]
            yield (
                f"{number}\t{state}\t{at}\t1\t{at}\tB-{number}\tplatform\tapp\t{service}\t{city}\tC{number}\tSiti"
                f"\t+62811{number}\t\t{50_000 + number % 900_000}\tIDR\tqris\t\t{{}}\t{old}"
                "\t\\N\t\\N\t\\N\t\t\\N\t\\N\n"
            )

    def _hanging(self, kind: str) -> tuple[str, str]:
        ended = {"saga": "cancelled", "dispatch": "booking", "refund": "failed", "posting": "completed"}
        if kind == "dispatch":
            return ended[kind], self._at(seconds=5)
        return ended.get(kind, kind), self._at(days=self.chance.uniform(8, 12))

    def others(self, kinds: dict[int, str]) -> Iterator[tuple[str, Iterator[str]]]:
        """Where to, and the lines, of what hangs that is not an order's own state."""
        own = "id, state, entered_at, version, created_at, order_id, token, tries, last_error"
        money = "amount, currency"
        into = {
            "saga": f"orders_saga ({own}, kind, deadline_at, failure, undone_for)",
            "dispatch": f"orders_dispatchentry ({own}, step_id, city, claimed_by, note, vehicle, driver, driver_phone,"
            " assigned_by)",
            "refund": f"orders_refund ({own}, attempt_id, {money}, cause, reason, requested_by, approved_by, key,"
            " gateway_reference)",
            "posting": f"orders_posting ({own}, kind, reference, {money}, occurred_at, ho_reference)",
        }
        for name, columns in into.items():
            yield columns, (self._other(name, number) for number, kind in kinds.items() if kind == name)

    def _other(self, kind: str, number: int) -> str:
        late = self._at(hours=self.chance.uniform(1, 200))
        state, rest = {
            "saga": ("needs_hand", f"booking\t{late}\t\t"),
            "dispatch": ("waiting", f"{number}\t\t\t\t\t\t\t"),
            "refund": ("unknown", f"{number}\t70000\tIDR\tx\t\tx\t\tk{number}\t"),
            "posting": ("due", f"payment\tr{number}\t70000\tIDR\t{late}\t"),
        }[kind]
        return f"{number}\t{state}\t{late}\t1\t{late}\t{number}\t0\t0\t\t{rest}\n"

    def _at(self, **ago: float) -> str:
        return (self.now - timedelta(**ago)).astimezone(UTC).isoformat()


def _copy(into: str, lines: Iterator[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {SCHEMA}.{into} FROM STDIN") as copy:
        block: list[str] = []
        for line in lines:
            block.append(line)
            if len(block) == 5000:
                copy.write("".join(block))
                block.clear()
        copy.write("".join(block))


def _measure(report: Report) -> None:
    limits = Limits()
    statement, params = page_statement(StuckFilter(), limits=limits)
    bare = median_ms(lambda: _fetch(statement, params))
    report.add("the list's SQL, by the driver", bare, "ms", ratio=1.0, note="baseline")
    page = median_ms(lambda: stuck_page(limits=limits))
    report.add("stuck_page(), first page", page, "ms", ratio=page / bare)
    middle = _middle(limits)
    later = median_ms(lambda: stuck_page(after=middle, limits=limits))
    report.add("stuck_page(), a page in the middle", later, "ms", ratio=later / bare)
    narrow = StuckFilter(services=("taxi",), cities=("Medan",), states=("active",))
    narrowed = median_ms(lambda: stuck_page(narrow, limits=limits))
    report.add("stuck_page(), three filters", narrowed, "ms", ratio=narrowed / bare)
    report.add("database time of the list (wanted: < 50)", database_ms(statement, params), "ms")
    for name, ask in (
        ("stuck_totals()", lambda: stuck_totals(limits=limits)),
        ("stuck_counts()", lambda: stuck_counts(user_id=1, limits=limits)),
    ):
        taken = median_ms(ask)
        report.add(name, taken, "ms", ratio=taken / bare)
    report.add("orders found", stuck_totals(limits=limits).count, "")


def _middle(limits: Limits) -> Any:
    place = None
    for _page in range(4):
        place = stuck_page(after=place, limit=2000, limits=limits).after or place
    return place


def _fetch(statement: str, params: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        cursor.fetchall()


def median_ms(ask: Callable[[], object]) -> float:
    taken = []
    for _time in range(TIMES):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def database_ms(statement: str, params: Any) -> float:
    """Planning and execution, as PostgreSQL itself counts them."""
    taken = []
    for _time in range(5):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY, FORMAT JSON) {statement}", params)
            (plan,) = cursor.fetchone()[0]
        taken.append(plan["Planning Time"] + plan["Execution Time"])
    return median(taken)


def run_all(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
