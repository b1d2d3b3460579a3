"""The totals of open breaks are those that counting gives, whatever changes breaks, and in whatever order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.ageing import bucket
from reconciliation.models import Break, BreakEvent, BreakTotal, Run
from reconciliation.queries.totals import ageing, by_day, open_breaks
from reconciliation.services import engine, findings, repairs
from reconciliation.services.runs import reconcile
from reconciliation.states import Resolution, RunScope
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_conservation import empty_books

# A Friday, so that ages end in the hours that the breaks below are in.
NOW = datetime(2026, 11, 27, 3, 30, tzinfo=UTC)
MOMENTS = [NOW - timedelta(days=days, minutes=minutes) for days in (0, 1, 4, 45) for minutes in (0, 30, 31, 90)]


@pytest.mark.django_db
def test_ageing_and_days_are_what_counting_gives() -> None:
    assert (ageing(NOW), open_breaks()) == ([], 0)
    for number, at in enumerate(MOMENTS):
        _made(number, occurred_at=at, exposure=number + 1, currency=("IDR", "BRL")[number % 2])
    _equal_to_the_counted()


_OPERATIONS = ["insert", "insert_many", "resolve", "reopen", "heal", "exposure", "move", "owner", "delete", "fold"]


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operations=st.lists(
        st.tuples(st.sampled_from(_OPERATIONS), st.integers(0, len(MOMENTS) - 1), st.integers(0, 9_000)), max_size=25
    )
)
def test_whatever_is_done_to_breaks_the_totals_are_the_counted_ones(operations: list[tuple[str, int, int]]) -> None:
    _gone([each.pk for each in Break.objects.all()])
    for number, (name, which, amount) in enumerate(operations):
        _done(name, number, which, amount)
        _equal_to_the_counted()


@pytest.mark.django_db
def test_what_is_rolled_back_never_counted() -> None:
    _made(0)
    with transaction.atomic():
        _made(1)
        transaction.set_rollback(True)
    assert open_breaks() == 1


@pytest.mark.django_db
def test_runs_keep_and_fold_them() -> None:
    empty_books()
    load_into(feed("ours", "ledger"), [line(100 + n, order=f"O{n}", source="midtrans") for n in range(9)])
    load_into(feed("ho"), [line(100, order="O0")])
    assert reconcile(scope=RunScope.FULL).summary["open"] == 8
    _equal_to_the_counted(datetime.now(UTC))
    load_into(feed("ho"), [line(101, order="O1"), line(7, order="O2")])
    assert reconcile().summary["open"] == 7
    _equal_to_the_counted(datetime.now(UTC))
    keys = [(each.hour, each.business_date, each.currency) for each in BreakTotal.objects.all()]
    assert len(keys) == len(set(keys)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_change_breaks_of_one_hour_do_not_wait_for_each_other() -> None:
    one, other = _made(0).pk, _made(1).pk

    def elsewhere() -> None:
        repairs.resolve(other, Resolution.TIMING, actor="user:budi", reason="x")
        connection.close()

    with transaction.atomic():
        repairs.resolve(one, Resolution.TIMING, actor="user:ratna", reason="x")
        aside = Thread(target=elsewhere)
        aside.start()
        aside.join(timeout=20)
        assert not aside.is_alive()
        assert open_breaks() == 0
    engine.run("fold_totals")
    assert not BreakTotal.objects.exists()


@pytest.mark.django_db
def test_emptying_the_table_empties_the_totals() -> None:
    _made(0)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE reconciliation_break")
    assert open_breaks() == 0


def _made(number: int, **fields: Any) -> Break:
    return Break.objects.create(**_fields(number) | fields)


def _fields(number: int) -> dict[str, Any]:
    run, _new = Run.objects.get_or_create(pk=1, defaults={"scope": "full"})
    at = MOMENTS[number % len(MOMENTS)]
    return {
        "pairing": "ho", "identity": f"{Break.objects.count()}-{number}", "type": "missing_in_ho", "currency": "IDR",
        "exposure": 70, "occurred_at": at, "business_date": at.date(), "found_by": run, "seen_by": run,
    }  # fmt: skip


def _gone(pks: list[int]) -> None:
    BreakEvent.objects.filter(of__in=pks).delete()
    Break.objects.filter(pk__in=pks).delete()


def _done(name: str, number: int, which: int, amount: int) -> None:
    """One operation, by the product's own service where there is one; on a break that may not be there."""
    pks = list(Break.objects.order_by("pk").values_list("pk", "state"))
    pk, state = pks[which % len(pks)] if pks else (0, "")
    some = Break.objects.filter(pk__in=[each for each, _state in pks[: which % 5]])
    state_of = ("open", "healed")
    simple: dict[str, Any] = {
        "insert": lambda: _made(number, exposure=amount, occurred_at=MOMENTS[which]),
        "insert_many": lambda: Break.objects.bulk_create(
            Break(
                **_fields(number)
                | {"identity": f"{number}-{n}-{which}", "exposure": n * amount, "state": state_of[n % 2]}
            )
            for n in range(5)
        ),
        "heal": lambda: some.update(state="healed"),
        "exposure": lambda: some.update(exposure=amount),
        "move": lambda: some.update(occurred_at=MOMENTS[which], business_date=MOMENTS[which].date(), currency="BRL"),
        "owner": lambda: findings.assign([each for each, _state in pks], None, actor="user:budi"),
        "delete": lambda: _gone([each.pk for each in some]),
        "fold": lambda: engine.run("fold_totals"),
    }
    if name in simple:
        simple[name]()
    elif name == "resolve" and state == "open":
        repairs.resolve(pk, Resolution.WRITTEN_OFF, actor="user:budi", reason="x")
    elif name == "reopen" and state == "resolved":
        repairs.reopen(pk, actor="user:budi", reason="x")


def _equal_to_the_counted(now: datetime = NOW) -> None:
    found = list(Break.objects.filter(state="open"))
    aged: Counter[tuple[str, str]] = Counter()
    money: Counter[tuple[str, str]] = Counter()
    for each in found:
        aged[bucket(each.occurred_at, now), each.currency] += 1
        money[bucket(each.occurred_at, now), each.currency] += each.exposure
    assert {(a.bucket, a.currency): (a.breaks, a.money) for a in ageing(now)} == {
        key: (count, money[key]) for key, count in aged.items()
    }
    days: dict[Any, dict[str, tuple[int, int]]] = {}
    for row in Break.objects.filter(state="open").values("business_date", "currency").annotate(sum=Sum("exposure")):
        same = Break.objects.filter(state="open", business_date=row["business_date"], currency=row["currency"])
        days.setdefault(row["business_date"], {})[row["currency"]] = same.count(), row["sum"]
    assert by_day(AT.date() - timedelta(days=9_000), AT.date() + timedelta(days=9_000)) == days
    assert open_breaks() == len(found)
