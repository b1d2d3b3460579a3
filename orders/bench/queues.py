"""How long PostgreSQL takes for the desks at which people take over by hand, with ten million orders beside them.

The tables are filled as for `bench stuck`, and with what the desks read: an attempt and a charge for every order, odd
money, dead letters, the steps of what waits. The queries are the product's: each is listened to and explained.
"""

# ruff: noqa: S608 - what is put into the text are constants of this file

import argparse
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from orders.bench import stuck
from orders.bench.report import Report
from orders.queries import dispatch, hands, letters, link_desk, money_queues

WANTED = 50.0  # ms of the database for all that one page asks of its desk
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    **stuck.TABLES,
    "orders_order": ("orders_order_pkey", "order_open_age", "order_unpaid"),
    "orders_attempt": ("orders_attempt_pkey", "attempt_unfit_age", "attempt_number_once", "attempt_payable"),
    "orders_saga": ("orders_saga_pkey", "saga_hand_age", "%order_id%"),
    "orders_dispatchentry": ("%",),
    "orders_refund": ("%",),
    "orders_item": ("orders_item_pkey",),
    "orders_step": ("orders_step_pkey", "step_number_once", "%order_id%"),
    "orders_ledgerentry": ("orders_ledgerentry_pkey", "%order_id%"),
    "orders_moneywatch": ("%",),
    "orders_deadletter": ("%",),
}
_OWN: Final = "id, state, entered_at, version, created_at, order_id, token, tries, last_error"
_BORN: Final = "o.entered_at, 1, o.entered_at, o.id, 0, 1, ''"
_ITS_ATTEMPT: Final = f"""
INSERT INTO orders_attempt ({_OWN}, number, gateway, method, amount, currency, reference, gateway_reference, link_url,
                            answer, retryable, expires_at)
SELECT o.id, CASE WHEN o.state = 'created' THEN CASE WHEN o.id % 3 = 0 THEN 'requested' ELSE 'unknown' END
                  WHEN o.state = 'awaiting_payment' THEN 'open' ELSE 'paid' END,
       {_BORN}, 1, (ARRAY['midtrans', 'xendit', 'nicepay'])[1 + o.id % 3], o.method, o.amount, 'IDR', 'a' || o.id, '',
       '', '', false, o.placed_at + CASE WHEN o.id % 2 = 0 THEN interval '60 days' ELSE interval '1 hour' END
FROM orders_order o
"""
# One order of `args.odd` has been paid too much, half of them, or too little.
_ITS_CHARGE: Final = """
INSERT INTO orders_ledgerentry (id, order_id, attempt_id, kind, amount, currency, gateway, source_key, occurred_at,
                                recorded_at)
SELECT o.id, o.id, o.id, 'charged', o.amount + CASE WHEN w.order_id IS NULL THEN 0 WHEN o.id % 2 = 0 THEN 5000
                                                    ELSE -5000 END, 'IDR', 'midtrans', 'c' || o.id, o.placed_at,
       o.placed_at
FROM orders_order o LEFT JOIN orders_moneywatch w ON w.order_id = o.id
WHERE o.state NOT IN ('created', 'awaiting_payment')
"""
_THEIR_STEPS: Final = f"""
INSERT INTO orders_step ({_OWN}, saga_id, item_id, number, name, partner, key, partner_reference, answer)
SELECT d.order_id, 'unknown', {_BORN}, o.id, o.id, 1, 'book', 'tpg', 's' || o.id, '', ''
FROM (SELECT order_id FROM orders_dispatchentry UNION SELECT order_id FROM orders_saga) d
JOIN orders_order o ON o.id = d.order_id
"""
_THEIR_ITEMS: Final = """
INSERT INTO orders_item (id, order_id, number, service, details, amount)
SELECT o.id, o.id, 1, o.service, '{"pickup": {"address": "Sudirman"}, "dropoff": {"address": "Kemang"}}', o.amount
FROM orders_dispatchentry d JOIN orders_order o ON o.id = d.order_id
"""
# Every order that is queued waits in the queue, besides what `bench stuck` puts there.
_THE_QUEUED: Final = f"""
INSERT INTO orders_dispatchentry ({_OWN}, step_id, city, claimed_by, note, vehicle, driver, driver_phone, assigned_by)
SELECT o.id, 'waiting', {_BORN}, o.id, o.city, '', '', '', '', '', '' FROM orders_order o
WHERE o.state = 'queued_for_dispatch'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    stuck.add_row_arguments(parser, rows=1_000_000)
    parser.add_argument("--odd", type=int, default=2_000, help="orders whose money does not fit (default: 2,000)")
    parser.add_argument("--letters", type=int, default=5_000, help="open dead letters (default: 5,000)")
    parser.add_argument("--keep", action="store_true", help="leave the schema, to look at plans")
    parser.add_argument("--kept", action="store_true", help="measure what a run with --keep has left")


def run(args: argparse.Namespace) -> Report:
    """Load, measure, drop."""
    report = Report(f"bench queues: {args.rows:,} orders, {args.stuck:,} of them hang; database time a page")
    filling = stuck.Filling(TABLES, tuple(_statements(odd=args.odd, letters=args.letters)))
    with stuck.found_first() if args.kept else stuck.filled(args, keep=args.keep, filling=filling):
        for name, asks in _desks():
            _measure(report, name, asks)
    return report


def _statements(*, odd: int, letters: int) -> Iterator[str]:
    """In their order; what `bench stuck` has written is there already."""
    yield f"""
        INSERT INTO orders_moneywatch (order_id)
        SELECT id FROM orders_order WHERE state IN ('completed', 'active') ORDER BY id DESC LIMIT {odd:d}"""
    yield _ITS_ATTEMPT
    yield _ITS_CHARGE
    yield _THE_QUEUED
    yield _THEIR_ITEMS
    yield _THEIR_STEPS
    yield f"""
        INSERT INTO orders_deadletter ({_OWN}, consumer, event_id, kind, reason, raw, body, first_seen_at, last_seen_at)
        SELECT n, CASE WHEN n <= {letters:d} THEN 'dead' ELSE 'discarded' END, s.at, 1, s.at, NULL, 0, 5, '',
               (ARRAY['notices', 'checkout'])[1 + n % 2], 'e' || n, 'order.paid', 'ValueError', '', repeat('x', 900),
               s.at, s.at
        FROM generate_series(1, {20 * letters:d}) n
        CROSS JOIN LATERAL (SELECT now() - n * interval '1 second' AS at) s"""


Ask = Callable[[], object]


def _desks() -> Iterator[tuple[str, Mapping[str, Ask]]]:
    """Of each desk, what its page asks for: rows (the first, and from the middle), and what its counts are made of."""
    yield from _links(timezone.now())
    yield from _dispatch()
    for case in money_queues.Case:
        yield f"money, {case}", {"rows": partial(money_queues.money_page, case)}
    yield "money, all of it", {"counts": money_queues.money_totals}
    letter = _middle(lambda after: letters.letters_page(letters.Wanted(), after=after, limit=1000)[1])
    yield (
        "dead letters",
        {
            "rows": partial(letters.letters_page, letters.Wanted(), after=None, limit=50),
            "middle": partial(letters.letters_page, letters.Wanted(), after=letter, limit=50),
            "counts": letters.counts,
        },
    )
    hand = _middle(lambda after: hands.hands_page(hands.Wanted(), after=after, limit=100).next)
    yield (
        "needs a hand",
        {
            "rows": partial(hands.hands_page, hands.Wanted()),
            "middle": partial(hands.hands_page, hands.Wanted(), after=hand),
            "counts": hands.shares,
        },
    )


def _links(now: datetime) -> Iterator[tuple[str, Mapping[str, Ask]]]:
    for kind in link_desk.KINDS:
        yield f"links, {kind}", {"rows": partial(link_desk.link_page, link_desk.Wanted(kind=kind), now=now)}
    missing = link_desk.Wanted()
    middle = _middle(lambda after: link_desk.link_page(missing, now=now, after=after, limit=1000)[1])
    yield (
        "links, a page in the middle",
        {
            "rows": partial(link_desk.link_page, missing, now=now, after=middle),
            "counts": partial(link_desk.link_counts, missing, now=now),
        },
    )


def _dispatch() -> Iterator[tuple[str, Mapping[str, Ask]]]:
    everything = dispatch.Wanted()
    for sort in (dispatch.OLDEST, dispatch.DEAREST):
        place = _middle(partial(_next_entry, sort))
        yield (
            f"dispatch, {sort} first",
            {
                "rows": partial(dispatch.entry_page, everything, sort=sort),
                "middle": partial(dispatch.entry_page, everything, sort=sort, after=place),
                "counts": dispatch.read_board,
            },
        )


def _next_entry(sort: str, after: Any) -> Any:
    return dispatch.entry_page(dispatch.Wanted(), sort=sort, after=after, limit=300).next


def _middle(page: Callable[[Any], Any]) -> Any:
    """Where a page some way into the list begins."""
    place = None
    for _page in range(2):
        place = page(place) or place
    return place


def _measure(report: Report, name: str, asks: Mapping[str, Ask]) -> None:
    for what, ask in asks.items():
        took = sum(stuck.database_ms(statement, params) for statement, params in statements_of(ask))
        report.add(f"{name}: {what}", took, "ms", ratio=took / WANTED, note="" if took < WANTED else "TOO SLOW")


def statements_of(ask: Ask) -> list[tuple[str, Any]]:
    """The statements that it sends."""
    sent: list[tuple[str, Any]] = []

    def listen(execute: Any, statement: str, params: Any, many: Any, context: Any) -> Any:
        sent.append((statement, params))
        return execute(statement, params, many, context)

    with connection.execute_wrapper(listen):
        ask()
    return sent
