"""The queues of money: the same facts as on the order's page, and a list that holds only what is odd."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from orders.models import LedgerEntry, MoneyWatch, Order
from orders.queries import money_queues as queues
from orders.queries.money import MoneyFact, money_of
from orders.queries.money_queues import Case, money_page, money_totals
from orders.queries.places import Place
from orders.services import money_watch
from tests.orders.making import make_attempt, make_order, make_refund

pytestmark = pytest.mark.django_db

AMOUNT = 150_000


def entry(order: Order, kind: str, amount: int, *, attempt: Any = None, minutes: float = 10) -> LedgerEntry:
    return LedgerEntry.objects.create(
        order=order,
        attempt=attempt,
        kind=kind,
        amount=amount,
        currency=order.currency,
        source_key=f"k{LedgerEntry.objects.count()}",
        occurred_at=timezone.now() - timedelta(minutes=minutes),
    )


def paid(state: str, *sums: int, reversed_: int = 0, refunded: int = 0, back: int = 0, **fields: Any) -> Order:
    """An order in that state, paid in `sums`; of the first a bank took some back, or we did."""
    order = make_order(state, **fields)
    attempts = [make_attempt(order, "paid") for _each in sums]
    for attempt, amount in zip(attempts, sums, strict=True):
        entry(order, "charged", amount, attempt=attempt)
    if reversed_:
        entry(order, "reversed", -reversed_, attempt=attempts[0])
    if refunded:
        entry(order, "refunded", -refunded, attempt=attempts[0])
    if back:
        make_refund(attempts[0], "sent", amount=back)
    return order


def cases_of(order: Order) -> dict[str, int]:
    found = {}
    for case in (Case.LATE, Case.TWICE, Case.OVER, Case.UNDER, Case.REVERSED):
        found.update({row.case: row.sum for row in money_page(case)[0] if row.order_id == order.pk})
    return found


@pytest.mark.parametrize(
    ("state", "given", "expected"),
    [
        ("active", {"sums": (AMOUNT,)}, {}),
        ("active", {"sums": (AMOUNT, AMOUNT)}, {"twice": AMOUNT}),
        ("active", {"sums": (AMOUNT, AMOUNT), "back": AMOUNT}, {}),
        ("active", {"sums": (AMOUNT, AMOUNT), "refunded": AMOUNT}, {}),
        ("active", {"sums": (AMOUNT + 1,)}, {"over": 1}),
        ("awaiting_payment", {"sums": (AMOUNT + 1,)}, {"over": 1}),
        ("awaiting_payment", {"sums": (AMOUNT - 1,)}, {"under": 1}),
        ("active", {"sums": (AMOUNT - 1,)}, {"under": 1}),
        ("active", {"sums": (AMOUNT,), "reversed_": AMOUNT}, {"reversed": AMOUNT}),
        ("completed", {"sums": (AMOUNT,), "reversed_": AMOUNT}, {"reversed": AMOUNT}),
        ("awaiting_payment", {"sums": (AMOUNT,), "reversed_": AMOUNT}, {}),
        ("cancelled", {"sums": (AMOUNT,), "reversed_": AMOUNT}, {}),
        ("cancelled", {"sums": (AMOUNT,), "refunded": AMOUNT}, {}),
        ("paid_after_close", {"sums": (AMOUNT,)}, {"late": AMOUNT}),
        ("paid_after_close", {"sums": (AMOUNT, AMOUNT)}, {"late": 2 * AMOUNT}),
    ],
)
def test_each_case_is_found_with_its_sum(state: str, given: dict[str, Any], expected: dict[str, int]) -> None:
    given = dict(given)
    assert cases_of(paid(state, *given.pop("sums"), **given)) == expected


FACT = {Case.TWICE: MoneyFact.PAID_TWICE, Case.OVER: MoneyFact.OVERPAID, Case.UNDER: MoneyFact.UNDERPAID}


@pytest.mark.parametrize("state", ["awaiting_payment", "paid", "booking", "queued_for_dispatch", "active", "completed"])
@pytest.mark.parametrize("sums", [(AMOUNT,), (AMOUNT, AMOUNT), (AMOUNT + 7,), (AMOUNT - 7,), (AMOUNT, 7)])
@pytest.mark.parametrize("reversed_", [0, 5, AMOUNT - 7])
def test_the_queues_and_the_orders_page_say_the_same(state: str, sums: tuple[int, ...], reversed_: int) -> None:
    order = paid(state, *sums, reversed_=reversed_)
    on_page = {fact: sum_ for fact, sum_ in money_of(order, list(order.ledger.all()), []).facts if sum_ > 0}
    in_queue = {FACT.get(Case(case), MoneyFact.UNDERPAID): sum_ for case, sum_ in cases_of(order).items()}
    assert in_queue == on_page


def test_a_plain_payment_is_on_no_list_and_an_imported_one_never() -> None:
    paid("active", AMOUNT)
    paid("active", AMOUNT, AMOUNT, origin="import")
    assert MoneyWatch.objects.count() == 0
    odd = paid("active", AMOUNT, AMOUNT)
    assert list(MoneyWatch.objects.values_list("order_id", flat=True)) == [odd.pk]


def test_whoever_writes_into_the_ledger_is_seen() -> None:
    order = paid("active", AMOUNT)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_ledgerentry (order_id, kind, amount, currency, gateway, source_key, occurred_at)"
            " VALUES (%s, 'adjusted', 5, 'IDR', '', 'by hand', now())",
            [order.pk],
        )
    assert cases_of(order) == {"over": 5}


def test_what_is_settled_leaves_the_list_and_comes_back_with_the_next_entry() -> None:
    settled, odd, running = (
        paid("cancelled", AMOUNT, refunded=AMOUNT),
        paid("completed", AMOUNT, reversed_=AMOUNT),
        paid("active", AMOUNT, AMOUNT, refunded=AMOUNT),
    )
    assert money_watch.forget_settled() == 0
    MoneyWatch.objects.update(since=timezone.now() - timedelta(minutes=6))
    assert money_watch.forget_settled() == 1
    assert set(MoneyWatch.objects.values_list("order_id", flat=True)) == {odd.pk, running.pk}
    entry(settled, "adjusted", 5)
    assert MoneyWatch.objects.filter(order_id=settled.pk).exists()


def test_refunds_that_failed_or_are_unknown_have_queues_and_totals_count_all() -> None:
    order = paid("cancelled", AMOUNT)
    make_refund(order.attempts.get(), "failed", amount=1_000)
    make_refund(order.attempts.get(), "unknown", amount=2_000)
    make_refund(order.attempts.get(), "sent", amount=3_000)
    paid("active", AMOUNT, AMOUNT), paid("active", AMOUNT, AMOUNT)
    totals = money_totals()
    assert {case: (total.count, total.money.get("IDR", 0)) for case, total in totals.items() if total.count} == {
        Case.TWICE: (2, 2 * AMOUNT),
        Case.REFUND_FAILED: (1, 1_000),
        Case.REFUND_UNKNOWN: (1, 2_000),
    }
    assert [row.sum for row in money_page(Case.REFUND_FAILED)[0]] == [1_000]


def test_pages_go_on_from_a_place() -> None:
    made = [paid("active", AMOUNT + number + 1).pk for number in range(5)]
    first, place = money_page(Case.OVER, limit=3)
    assert place is not None
    second, end = money_page(Case.OVER, after=Place.parse(str(place)), limit=3)
    assert [row.order_id for row in (*first, *second)] == made
    assert end is None


def test_pages_read_no_more_than_the_list_and_its_orders() -> None:
    """The plan starts from the list or an index of what is odd, never from all orders or the whole ledger."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table in ("orders_ledgerentry", "orders_order"):
            assert f"Seq Scan on {table}" not in plan_of_totals(cursor)


def plan_of_totals(cursor: Any) -> str:
    union = f"{queues._LATE} UNION ALL {queues._ODD} UNION ALL {queues._REFUND}"
    cursor.execute(f"EXPLAIN SELECT * FROM ({union}) q")  # noqa: S608
    return "\n".join(row[0] for row in cursor.fetchall())
