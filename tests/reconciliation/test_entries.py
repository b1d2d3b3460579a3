"""How lines get into a book: once each, twins included, whole loads or none."""

from datetime import UTC, date, datetime, time

import psycopg
import pytest
from django.db import DataError

from reconciliation import business_day
from reconciliation.lines import Columns
from reconciliation.models import Entry, Load
from tests.reconciliation.books import AT, feed, line, load_into

pytestmark = pytest.mark.django_db


def test_a_line_keeps_everything_it_said() -> None:
    midtrans = feed("gateway", "midtrans")
    said = line(
        -150_000,
        order="MRG-1",
        number=7,
        kind="refund",
        reference="A-1",
        external_reference="tx-1",
        batch="S-9",
        method="gopay",
        status="pending",
    )
    load_into(midtrans, [said])
    entry = Entry.objects.get()
    assert (entry.side, entry.source, entry.load, entry.line) == ("gateway", "midtrans", Load.objects.get(), 7)
    assert (entry.kind, entry.amount, entry.currency, entry.status) == ("refund", -150_000, "IDR", "pending")
    assert (entry.reference, entry.external_reference, entry.order_reference) == ("A-1", "tx-1", "MRG-1")
    assert (entry.batch, entry.method, entry.occurred_at, entry.occurrence) == ("S-9", "gopay", AT, 1)


@pytest.mark.parametrize("odd", ["A-2", "back\\slash", "a\ttab", "two\nlines", "ends\r", "\\N", ""])
def test_lines_that_come_as_columns_are_the_same_lines(odd: str) -> None:
    lines = [line(100, order="A", reference=odd), line(-50, order=odd or "B", kind="refund", number=2, method="gopay")]
    whole = Columns(tuple(zip(*lines, strict=True)))
    assert list(whole) == lines
    book = feed("ho")
    assert load_into(book, [whole, line(7, order="C")]).new == 3
    assert load_into(book, lines).known == 2
    assert Entry.objects.filter(reference=odd, amount=100).exists()


def test_a_load_counts_what_it_added() -> None:
    load_into(
        feed("ho"), [line(100, order="A"), line(-30, order="A", kind="refund"), line(5, order="B", currency="BRL")]
    )
    load = Load.objects.get()
    assert (load.state, load.lines, load.new, load.known) == ("loaded", 3, 3, 0)
    assert load.totals == {"BRL": [1, 5], "IDR": [2, 70]}
    ids = list(Entry.objects.order_by("pk").values_list("pk", flat=True))
    assert (load.first_entry, load.last_entry) == (ids[0], ids[-1])


def test_the_same_lines_again_add_nothing_in_whatever_order() -> None:
    lines = [line(100 + number, order=f"O-{number}", number=number) for number in range(20)]
    load_into(feed("ho"), lines)
    again = load_into(feed("ho"), [each._replace(line=99) for each in reversed(lines)])
    assert (again.new, again.known) == (0, 20)
    assert Entry.objects.count() == 20
    assert Load.objects.latest("pk").totals == {}


def test_twins_within_a_file_survive_and_stay_two_when_it_comes_again() -> None:
    twins = [line(100, order="A", number=1), line(100, order="A", number=2)]
    first, again = load_into(feed("ho"), twins), load_into(feed("ho"), twins)
    assert (first.new, again.new) == (2, 0)
    assert sorted(Entry.objects.values_list("occurrence", flat=True)) == [1, 2]


def test_a_third_twin_in_a_later_file_is_one_more_line() -> None:
    load_into(feed("ho"), [line(100, order="A")] * 2)
    assert load_into(feed("ho"), [line(100, order="A")] * 3).new == 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 101},
        {"currency": "BRL"},
        {"kind": "refund"},
        {"status": "void"},
        {"order_reference": "B"},
        {"reference": "R"},
        {"external_reference": "X"},
        {"source": "ho-2"},
        {"occurred_at": AT.replace(minute=1)},
    ],
)
def test_a_line_that_differs_in_one_thing_is_another_line(other: dict[str, object]) -> None:
    load_into(feed("ho"), [line(100, order="A")])
    assert load_into(feed("ho"), [line(100, order="A")._replace(**other)]).new == 1


def test_a_line_that_names_its_source_is_the_same_as_one_that_leaves_it_to_the_feed() -> None:
    load_into(feed("gateway", "xendit"), [line(100), line(100)._replace(source="xendit")])
    assert sorted(Entry.objects.values_list("source", "occurrence")) == [("xendit", 1), ("xendit", 2)]


def test_a_load_that_is_objected_to_is_held_and_nothing_comes_in() -> None:
    seen = []
    taken = load_into(
        feed("ho"), [line(100), line(50)], check=lambda totals: seen.extend(totals) or "The sum is 150, not 160."
    )
    load = Load.objects.get()
    assert (taken.new, load.state, load.reason, load.lines) == (0, "held", "The sum is 150, not 160.", 2)
    assert [(total.lines, total.amount, total.currency) for total in seen] == [(2, 150, "IDR")]
    assert not Entry.objects.exists()


def test_a_value_that_does_not_fit_leaves_nothing_behind() -> None:
    with pytest.raises((DataError, psycopg.DataError)):
        load_into(feed("ho"), [line(100), line(2**63)])
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("at", "cut_off", "day"),
    [
        (datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC), time(0), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 17, 0, tzinfo=UTC), time(0), date(2026, 11, 21)),
        (datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC), time(23), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), time(23), date(2026, 11, 21)),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), time(0), date(2027, 1, 1)),
    ],
)
def test_the_business_day_is_jakartas_and_the_same_in_sql(at: datetime, cut_off: time, day: date) -> None:
    ours = feed("ours")
    ours.cut_off = cut_off
    load_into(ours, [line(1, occurred_at=at)])
    assert Entry.objects.get().business_date == business_day.of(at, cut_off=cut_off) == day
    assert business_day.begins(day, cut_off=cut_off) <= at
    assert business_day.of(business_day.begins(day, cut_off=cut_off), cut_off=cut_off) == day
