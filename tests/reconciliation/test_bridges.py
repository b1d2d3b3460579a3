"""The bridge of a day adds up whatever the books hold, and names what lies between them."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciliation import business_day
from reconciliation.models import Break, CarriedLine, Day, DayFigure, DayItem, Entry
from reconciliation.queries.days import lines_of
from reconciliation.services import bridges
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope
from tests.orders.making import make_attempt, make_order
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_conservation import empty_books

pytestmark = pytest.mark.django_db

DAY = business_day.of(AT)
NEXT = DAY + timedelta(days=1)


def paid(amount: int, order: str, **fields: Any) -> Any:
    return line(amount, order=order, **{"reference": f"{order}-1", "source": "midtrans", "method": "gopay"} | fields)


def books(ours: Any = (), gateway: Any = (), ho: Any = (), other: Any = ()) -> None:
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("gateway", "midtrans"), gateway)
    load_into(feed("gateway", "xendit"), other)
    load_into(feed("ho"), ho)
    assert reconcile().state == "done"


def steps(day: date = DAY, gateway: str = "midtrans", *, zeros: bool = False) -> dict[tuple[str, str], int]:
    """The bridge of a day, without totals that are zero."""
    bridges.refresh(day)
    found = DayFigure.objects.filter(day__date=day, gateway=gateway)
    return {(each.book, each.step): each.amount for each in found if each.amount or zeros}


def test_a_day_on_which_all_three_books_agree_is_three_equal_totals() -> None:
    books([paid(100, "A")], [paid(100, "A")], [line(100, order="A")])
    assert steps() == {
        ("gateway", "gross"): 100,
        ("gateway", "total"): 100,
        ("ours", "total"): 100,
        ("ho", "total"): 100,
    }


def test_refunds_and_fees_lead_from_gross_to_what_the_gateway_pays_out() -> None:
    back = {"kind": "refund", "reference": "A-1"}
    fee = line(-3, kind="fee", order="A", reference="A-1", source="midtrans")
    payout = line(-57, kind="payout", source="midtrans")
    books(
        [paid(100, "A"), paid(-40, "A", **back)],
        [paid(100, "A"), paid(-40, "A", **back), fee, payout],
        [line(100, order="A"), line(-40, order="A", kind="refund")],
    )
    assert steps() == {
        ("gateway", "gross"): 100,
        ("gateway", "refunds"): -40,
        ("gateway", "fees"): -3,
        ("gateway", "total"): 57,
        ("to_ours", "fees_kept"): 3,
        ("ours", "total"): 60,
        ("ho", "total"): 60,
    }


def test_each_difference_has_its_own_step_and_its_rows() -> None:
    late = AT + timedelta(days=1)
    books(
        [paid(100, "A"), paid(70, "B"), paid(50, "C"), paid(30, "D"), paid(20, "E")],
        [paid(100, "A"), paid(70, "B"), paid(50, "C"), paid(30, "D"), paid(9, "X")],
        [
            line(50, order="C", occurred_at=late),
            line(33, order="D"),
            line(20, order="E"),
            line(20, order="E"),
            line(70, order="B"),
        ],
    )
    assert steps() == {
        ("gateway", "gross"): 259,
        ("gateway", "total"): 259,
        ("to_ours", "gateway_without_payment"): -9,
        ("to_ours", "missing_at_gateway"): 20,
        ("ours", "total"): 270,
        ("to_ho", "missing_in_ho"): -100,
        ("to_ho", "in_transit"): -50,
        ("to_ho", "amount_differs"): 3,
        ("to_ho", "duplicate_in_ho"): 20,
        ("ho", "total"): 143,
    }
    missing = DayItem.objects.get(step="missing_in_ho")
    assert (missing.name, missing.found) == ("A", Break.objects.get(key="A", type="missing_in_ho").pk)
    assert Entry.objects.get(pk=missing.entries[0]).order_reference == "A"
    assert steps(NEXT) == {("to_ho", "in_transit"): 50, ("ho", "total"): 50}
    day = Day.objects.get(date=DAY)
    assert [each.amount for each in lines_of(day, book="gateway", step="gross")] == [100, 70, 50, 30, 9]


def test_an_entry_of_head_office_counts_at_the_gateway_that_was_paid() -> None:
    books(
        [
            paid(100, "A"),
            paid(70, "B", source="xendit"),
            paid(60, "C"),
            paid(40, "C", source="xendit", reference="C-2"),
        ],
        [paid(100, "A"), paid(60, "C")],
        [line(100, order="A"), line(70, order="B"), line(100, order="C"), line(5, order="Z")],
        [paid(70, "B", source="xendit"), paid(40, "C", source="xendit", reference="C-2")],
    )
    assert steps()["to_ho", "other_gateway"] == 40
    assert steps(gateway="xendit")["to_ho", "other_gateway"] == -40
    assert steps(gateway="") == {("to_ho", "ho_without_payment"): 5, ("ho", "total"): 5}


@pytest.mark.parametrize("told", ["of both", ""])
def test_what_was_transferred_by_hand_is_a_step_from_the_gateway_to_head_office(told: str) -> None:
    """Paid at the gateway, given back from our bank. Head Office is told of both or, of a ride not taken, of none."""
    back = {"kind": "refund", "reference": "A-1"}
    ho = [line(100, order="A"), line(-100, order="A", kind="refund")] if told else []
    books([paid(100, "A"), paid(-100, "A", source="bank", **back)], [paid(100, "A")], ho)
    assert not Break.objects.exists()
    by_gateway = {("gateway", "gross"): 100, ("gateway", "total"): 100, ("ours", "total"): 100}
    by_bank = {("to_ours", "transferred"): -100, ("ours", "total"): -100}
    if told:
        assert steps() == {**by_gateway, ("ho", "total"): 100}
        assert steps(gateway="bank") == {**by_bank, ("ho", "total"): -100}
    else:
        assert steps() == {**by_gateway, ("to_ho", "transferred"): -100}
        assert steps(gateway="bank") == {**by_bank, ("to_ho", "transferred"): 100}
    assert bridges.unnamed(DayFigure.objects.all()) == {}
    assert DayItem.objects.filter(step="transferred", book="to_ours").get().name == "A-1"


def test_what_is_expected_within_tolerance_or_without_a_report_is_named_so() -> None:
    brl = {"currency": "BRL"}
    feed("ho", complete_up_to=AT)
    load_into(feed("ours", "ledger"), [paid(1000, "A", source="nicepay", **brl), paid(70, "B", source="nicepay")])
    load_into(feed("ho", complete_up_to=AT), [line(1004, order="A", **brl)])
    reconcile()
    found = steps(gateway="nicepay")
    assert found["to_ours", "no_report"] in (1000, 70)
    assert found["to_ho", "coverage"] == -70
    assert DayFigure.objects.get(step="rounding").amount == 4


def test_what_no_run_has_seen_is_not_compared_and_never_hidden() -> None:
    books([paid(100, "A")], [paid(100, "A")], [line(100, order="A")])
    load_into(feed("ho"), [line(40, order="B")])
    assert steps(gateway="") == {("to_ho", "not_compared"): 40, ("ho", "total"): 40}
    assert bridges.unnamed(DayFigure.objects.filter(day__date=DAY)) == {"IDR": 40}
    day = Day.objects.get(date=DAY)
    assert lines_of(day, book="to_ho", step="not_compared").get().amount == 40


def test_lines_without_an_order_are_counted_where_they_were_matched() -> None:
    books(
        [paid(100, "A"), paid(70, "B", batch="P-1"), paid(30, "C", batch="P-1")],
        [paid(100, "A"), paid(70, "B"), paid(30, "C")],
        [line(100, method="gopay"), line(100, batch="P-1", external_reference="H-9", method="transfer")],
    )
    assert Break.objects.count() == 0
    found = steps()
    assert {name for name in found if name[0] == "to_ho"} <= {("to_ho", "other_gateway")}
    assert found.get(("to_ho", "other_gateway"), 0) == -steps(gateway="").get(("to_ho", "other_gateway"), 0)


@pytest.mark.parametrize("named", [{"external_reference": "G-1"}, {"order": "MRG-N"}], ids=["their-name", "our-order"])
def test_a_gateways_line_without_our_name_matched_on_another_day_is_in_transit_on_both(named: dict[str, str]) -> None:
    order = make_order("completed", public_id="MRG-N", amount=100)
    attempt = make_attempt(order, "paid", reference="MRG-N-1", gateway_reference="G-1")
    theirs = line(100, source="midtrans", occurred_at=AT + timedelta(days=1), **named)
    books([paid(100, order.public_id)], [theirs], [line(100, order=order.public_id)])
    assert (Break.objects.count(), attempt.reference) == (0, "MRG-N-1")
    assert steps() == {("to_ours", "in_transit"): 100, ("ours", "total"): 100, ("ho", "total"): 100}
    assert steps(NEXT) == {
        ("gateway", "gross"): 100,
        ("gateway", "total"): 100,
        ("to_ours", "in_transit"): -100,
    }
    assert bridges.unnamed(DayFigure.objects.all()) == {}


def test_an_entry_of_head_office_without_an_order_matched_on_another_day_is_in_transit_on_both() -> None:
    order = make_order("completed", public_id="MRG-N", amount=100)
    make_attempt(order, "paid", reference="MRG-N-1", gateway_reference="G-1")
    booked = line(100, reference="MRG-N-1", occurred_at=AT + timedelta(days=1))
    books([paid(100, "MRG-N")], [paid(100, "MRG-N")], [booked])
    assert Break.objects.count() == 0
    assert steps().get(("to_ho", "in_transit")) == -100
    assert bridges.unnamed(DayFigure.objects.all()) == {}
    steps(NEXT)
    assert bridges.unnamed(DayFigure.objects.all()) == {}


def test_a_second_nameless_line_that_nothing_matched_stays_a_break_and_explains_nothing() -> None:
    order = make_order("completed", public_id="MRG-N", amount=100)
    make_attempt(order, "paid", reference="MRG-N-1", gateway_reference="G-1")
    later = AT + timedelta(days=1)
    stray = line(100, order="MRG-N", source="midtrans", occurred_at=later, external_reference="G-2")
    books([paid(100, "MRG-N")], [paid(100, "MRG-N", occurred_at=later), stray], [line(100, order="MRG-N")])
    assert Break.objects.filter(pairing="gateway").count() == 1
    assert steps().get(("to_ours", "in_transit")) == 100
    assert ("to_ours", "unexplained") not in steps()


def test_a_written_off_break_counts_as_decided() -> None:
    books([paid(100, "A")], [paid(100, "A")], [line(99, order="A")])
    Break.objects.update(state="resolved", resolution="written_off")
    assert steps()["to_ho", "resolved"] == -1


def test_a_decision_that_the_books_overtake_is_no_step_any_more() -> None:
    books([paid(100, "A")], [paid(100, "A")])
    Break.objects.update(state="resolved", resolution="timing")
    load_into(feed("ho"), [line(100, order="A")])
    reconcile()
    assert Break.objects.get().state == "healed"
    assert {name[0] for name in steps()} == {"gateway", "ours", "ho"}


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
        st.sampled_from(["A", "B", "C", "D", ""]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["BRL", "BRL", "BRL", "IDR"]),
        st.integers(0, 1),
    )
    return st.lists(one, max_size=12)


# Not shrunk: a failing example is printed as it is, and each one takes two runs.
@settings(
    max_examples=6, deadline=None, phases=(Phase.generate,), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ours=_lines("midtrans"), gateway=_lines("midtrans"), ho=_lines(""), late=_lines(""), closed=st.booleans())
def test_the_steps_of_any_books_add_up_to_the_last_unit(
    *, ours: list[Any], gateway: list[Any], ho: list[Any], late: list[Any], closed: bool
) -> None:
    """Of each day on its own, of all gateways together, and with lines that came after a day was closed."""
    Day.objects.filter(state="locked").update(state="reopen_asked")
    Day.objects.update(state="open")
    CarriedLine.objects.all().delete()
    Day.objects.all().delete()
    empty_books()
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("gateway", "midtrans"), gateway)
    load_into(feed("ho"), ho)
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "done", run.said
    if closed:
        Day.objects.create(date=DAY, state="locked", up_to_entry=run.up_to_entry)
    load_into(feed("ho"), late)
    reconcile()
    days = {DAY, NEXT, business_day.of(timezone.now())}
    for day in days:
        bridges.refresh(day)  # raises where the steps do not add up
    held = Entry.objects.filter(status="settled")
    if closed:
        held = held.exclude(business_date=DAY, pk__lte=run.up_to_entry)
    totals = DayFigure.objects.filter(step="total").values_list("book", "currency")
    assert {each[:2]: each[2] for each in totals.annotate(money=Sum("amount"))} == {
        each[:2]: each[2] for each in held.values_list("side", "currency").annotate(money=Sum("amount")).order_by()
    }
