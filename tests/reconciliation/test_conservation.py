"""Whatever the books hold: every line is counted once, money is not made, and no currency is mixed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.models import Break, BreakEvent, Case, Entry, Expectation, Feed, Load, Match, Run, RunTotal
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope
from tests.reconciliation.books import AT, feed, line, load_into

pytestmark = pytest.mark.django_db


def _lines(source: str) -> st.SearchStrategy[list[Any]]:
    one = st.builds(
        lambda amount, kind, order, name, currency, days: line(
            amount if kind == "payment" else -amount,
            order=order,
            kind=kind,
            reference=f"{order}-{name}" if order and name else "",
            external_reference=name,
            currency=currency,
            occurred_at=AT + timedelta(days=days),
            source=source,
            method="gopay",
        ),
        st.sampled_from([100, 104, 105, 106, 200, 300]),
        st.sampled_from(["payment", "payment", "payment", "refund", "reversal"]),
        st.sampled_from(["A", "B", "C", ""]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["BRL", "BRL", "BRL", "IDR"]),
        st.integers(0, 1),
    )
    return st.lists(one, max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ours=_lines("midtrans"), theirs=_lines(""), side=st.sampled_from(["ho", "gateway"]))
def test_every_line_of_both_books_is_counted_once(ours: list[Any], theirs: list[Any], side: str) -> None:
    empty_books()
    load_into(feed("ours", "ledger"), ours)
    load_into(feed(side, "midtrans" if side == "gateway" else "ho"), theirs)
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "done", run.said
    for book in ("ours", side):
        held = list(Entry.objects.filter(side=book).values_list("currency", "amount"))
        totals = list(RunTotal.objects.filter(run=run, side=book))
        for currency in ("BRL", "IDR"):
            came_to = [t for t in totals if t.currency == currency]
            amounts = [amount for of, amount in held if of == currency]
            assert sum(t.lines for t in came_to) == len(amounts)
            assert sum(t.amount for t in came_to) == sum(amounts)
    nothing_is_used_twice_or_mixed()
    again = reconcile(scope=RunScope.FULL)
    assert (again.digest, again.summary["found"], again.summary["changed"]) == (run.digest, 0, 0)


def nothing_is_used_twice_or_mixed() -> None:
    used = [pk for match in Match.objects.all() for pk in (*match.ours, *match.theirs)]
    broken = [pk for found in Break.objects.filter(state="open") for pk in (*found.ours, *found.theirs)]
    assert len(set(used) | set(broken)) == len(used) + len(broken)
    currencies = dict(Entry.objects.values_list("pk", "currency"))
    for match in Match.objects.all():
        assert {currencies[pk] for pk in (*match.ours, *match.theirs)} == {match.currency}
        assert abs(match.difference) <= 5


def empty_books() -> None:
    for model in (BreakEvent, Break, Match, Expectation, Case, RunTotal, Run, Entry, Load, Feed):
        model.objects.all().delete()
