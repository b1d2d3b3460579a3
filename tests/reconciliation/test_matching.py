"""What becomes of lines: each pass, each type of break, one small book at a time."""

from datetime import timedelta
from typing import Any

import pytest

from reconciliation.models import Break, Expectation, Load, Match, Run, RunTotal
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope
from tests.reconciliation.books import AT, feed, line, load_into

pytestmark = pytest.mark.django_db

OURS, HO, GATEWAY = "ours", "ho", "gateway"


def compare(ours: list[Any], theirs: list[Any], *, side: str = HO, source: str = "") -> Run:
    """Load both books and compare them whole."""
    load_into(feed("ours", "ledger"), ours)
    load_into(feed(side, source), theirs)
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "done", run.said
    return run


def came_to(run: Run, side: str) -> dict[tuple[str, str], int]:
    return {(t.outcome, t.why): t.lines for t in RunTotal.objects.filter(run=run, side=side)}


def breaks() -> list[tuple[str, str, int]]:
    return sorted(Break.objects.filter(state="open").values_list("type", "key", "difference"))


def paid(amount: int, order: str, **fields: Any) -> Any:
    return line(amount, order=order, **{"reference": f"{order}-1", "source": "midtrans", "method": "gopay"} | fields)


def test_one_line_each_of_the_same_amount_is_settled_and_needs_no_row() -> None:
    run = compare([paid(100, "A")], [line(100, order="A")])
    assert run.state == "done", run.said
    assert came_to(run, OURS) == came_to(run, HO) == {("matched", "exact"): 1}
    assert not Match.objects.exists()
    assert not Break.objects.exists()


def test_a_line_of_another_business_day_matches_and_is_flagged_as_timing() -> None:
    run = compare([paid(100, "A")], [line(100, order="A", occurred_at=AT + timedelta(days=1))])
    assert came_to(run, HO) == {("matched", "exact_timing"): 1}


def test_a_payment_that_head_office_lacks_is_missing() -> None:
    run = compare([paid(100, "A"), paid(70, "B")], [line(100, order="A")])
    assert breaks() == [("missing_in_ho", "B", -70)]
    assert came_to(run, OURS) == {("matched", "exact"): 1, ("break", "missing_in_ho"): 1}
    found = Break.objects.get()
    assert (found.exposure, found.gateway, found.method, found.cause) == (70, "midtrans", "gopay", "order unknown")
    assert (len(found.ours), found.theirs) == (1, [])


def test_an_entry_without_a_payment_is_head_offices() -> None:
    compare([paid(100, "A")], [line(100, order="A"), line(30, order="Z")])
    assert breaks() == [("ho_without_payment", "Z", 30)]


def test_an_amount_that_differs_is_one_break_with_both_lines() -> None:
    compare([paid(10_000, "A")], [line(9_750, order="A")])
    assert breaks() == [("amount_differs", "A", -250)]
    found = Break.objects.get()
    assert (found.ours_amount, found.theirs_amount, len(found.ours), len(found.theirs)) == (10_000, 9_750, 1, 1)


@pytest.mark.parametrize(
    ("amount", "why"),
    [(10_005, "tolerance"), (9_995, "tolerance"), (10_006, "amount_differs"), (9_994, "amount_differs")],
)
def test_the_bounds_of_the_tolerance_are_within_it(amount: int, why: str) -> None:
    run = compare([paid(10_000, "A", currency="BRL")], [line(amount, order="A", currency="BRL")])
    assert [found for _outcome, found in came_to(run, HO)] == [why]


def test_the_rupiah_has_no_tolerance_by_itself() -> None:
    compare([paid(10_000, "A")], [line(10_001, order="A")])
    assert breaks() == [("amount_differs", "A", 1)]


def test_several_lines_of_one_order_match_by_their_sum() -> None:
    ours = [paid(60, "A"), paid(40, "A", reference="A-2"), paid(50, "B")]
    run = compare(ours, [line(100, order="A"), line(20, order="B"), line(30, order="B")])
    assert came_to(run, OURS) == {("matched", "group"): 3}
    assert came_to(run, HO) == {("matched", "group"): 3}
    assert sorted((m.key, m.ours_amount, m.difference) for m in Match.objects.all()) == [("A", 100, 0), ("B", 50, 0)]


def test_equal_lines_pair_one_to_one_and_none_is_used_twice() -> None:
    ours = [paid(50, "A"), paid(50, "A", reference="A-2"), paid(50, "A", reference="A-3")]
    run = compare(ours, [line(50, order="A", number=1), line(50, order="A", number=2)])
    assert came_to(run, HO) == {("matched", "order_amount"): 2}
    assert breaks() == [("missing_in_ho", "A", -50)]


def test_what_was_given_back_before_head_office_was_told_cancels_out() -> None:
    run = compare([paid(100, "A"), paid(-100, "A", kind="refund")], [])
    assert came_to(run, OURS) == {("matched", "nets_to_zero"): 2}
    assert not Break.objects.exists()


def test_a_refund_that_head_office_lacks_is_named_so() -> None:
    compare([paid(100, "A"), paid(-30, "A", kind="refund")], [line(100, order="A")])
    assert breaks() == [("refund_missing_in_ho", "A", 30)]


def test_more_refunded_than_paid_is_a_break_even_where_both_books_agree() -> None:
    both = [paid(100, "A"), paid(-130, "A", kind="refund")]
    compare(both, [line(100, order="A"), line(-130, order="A", kind="refund")])
    assert [found[0] for found in breaks()] == ["refund_exceeds_paid"]
    assert Break.objects.get().exposure == 30


def test_a_reversal_that_head_office_lacks_is_late() -> None:
    compare([paid(100, "A"), paid(-100, "A", kind="reversal")], [line(100, order="A")])
    assert breaks() == [("late_reversal", "A", 100)]


def test_the_same_entry_twice_at_head_office_is_a_duplicate() -> None:
    twice = [line(100, order="A", external_reference="E-1", number=n) for n in (1, 2)]
    compare([paid(100, "A")], twice)
    assert breaks() == [("duplicate_in_ho", "A", 100)]


def test_a_second_entry_under_another_name_is_a_duplicate_too() -> None:
    compare([paid(100, "A")], [line(100, order="A", external_reference=f"E-{n}") for n in (1, 2)])
    assert breaks() == [("duplicate_in_ho", "A", 100)]


def test_another_currency_is_a_break_without_a_difference() -> None:
    run = compare([paid(100, "A")], [line(100, order="A", currency="USD")])
    assert breaks() == [("currency_differs", "A", 0)]
    assert came_to(run, OURS) == came_to(run, HO) == {("break", "currency_differs"): 1}


def test_a_nameless_line_matches_by_amount_day_and_method_if_nothing_else_fits() -> None:
    run = compare([paid(100, "A"), paid(70, "B")], [line(70, method="gopay"), line(100, order="A")])
    assert came_to(run, HO) == {("matched", "exact"): 1, ("matched", "look_alike"): 1}
    assert Match.objects.get().key == "B"


def test_nameless_lines_that_fit_several_payments_are_ambiguous() -> None:
    run = compare([paid(70, "A"), paid(70, "B")], [line(70, method="gopay")])
    assert came_to(run, OURS) == {("break", "ambiguous"): 2}
    assert came_to(run, HO) == {("break", "ambiguous"): 1}
    assert Break.objects.get().type == "ambiguous"


def test_a_batch_of_head_office_matches_the_payments_in_it() -> None:
    ours = [paid(60, "A", batch="S-1"), paid(40, "B", batch="S-1"), paid(5, "C", batch="S-2")]
    run = compare(ours, [line(100, batch="S-1")])
    assert came_to(run, HO) == {("matched", "batch"): 1}
    assert breaks() == [("missing_in_ho", "C", -5)]


def test_nothing_is_missing_where_the_feed_is_not_complete() -> None:
    feed("ho", complete_up_to=AT)
    load_into(feed("ours", "ledger"), [paid(100, "A"), paid(70, "B", occurred_at=AT - timedelta(seconds=1))])
    load_into(feed("ho", complete_up_to=AT), [])
    run = reconcile(scope=RunScope.FULL)
    assert breaks() == [("missing_in_ho", "B", -70)]
    assert came_to(run, OURS) == {("expected", "coverage"): 1, ("break", "missing_in_ho"): 1}
    assert list(Expectation.objects.values_list("key", "why")) == [("A", "coverage")]


def test_what_a_feed_never_covered_is_missing_in_the_end() -> None:
    old = paid(100, "A", occurred_at=AT - timedelta(days=60))
    feed("ho", complete_up_to=None)
    load_into(feed("ours", "ledger"), [old])
    load_into(feed("ho", complete_up_to=None), [])
    reconcile(scope=RunScope.FULL)
    assert breaks() == [("missing_in_ho", "A", -100)]


def test_a_gateway_is_compared_by_the_name_we_gave_the_payment() -> None:
    theirs = [
        line(100, reference="A-1"),
        line(-2, kind="fee", reference="A-1"),
        line(9, reference="P", status="pending"),
        line(7, reference="V", status="void"),
    ]
    run = compare([paid(100, "A")], theirs, side=GATEWAY, source="midtrans")
    assert came_to(run, OURS) == {("matched", "exact"): 1}
    assert came_to(run, GATEWAY) == {
        ("matched", "exact"): 1, ("excluded", "own_fees"): 1, ("excluded", "no_money"): 2
    }  # fmt: skip


def test_what_was_transferred_by_hand_is_looked_for_in_no_gateways_report_and_at_head_office_it_is() -> None:
    """Its order's other refund went by the gateway."""
    api = {"kind": "refund", "reference": "A-1"}
    ours = [paid(100, "A"), paid(-40, "A", **api), paid(-60, "A", source="bank", kind="refund", reference="A-1")]
    run = compare(ours, [line(100, reference="A-1"), line(-40, **api)], side=GATEWAY, source="midtrans")
    assert came_to(run, OURS)["excluded", "transferred"] == 1
    assert {outcome for outcome, _why in came_to(run, OURS)} == {"matched", "excluded"}
    assert not Break.objects.exists()
    run = compare(ours, [line(100, order="A"), line(-40, order="A", kind="refund")], side=HO)
    assert Break.objects.get().type == "refund_missing_in_ho"


def test_only_gateways_with_a_feed_take_part() -> None:
    ours = [paid(100, "A"), paid(70, "B", source="xendit")]
    run = compare(ours, [line(100, reference="A-1")], side=GATEWAY, source="midtrans")
    assert came_to(run, OURS) == {("matched", "exact"): 1, ("excluded", "no_feed"): 1}


@pytest.mark.parametrize(
    ("theirs", "type_", "difference"),
    [
        ([], "missing_at_gateway", -100),
        ([line(100, reference="A-1", status="void")], "status_differs", -100),
        ([line(100, reference="A-1"), line(50, reference="Z-1")], "gateway_without_payment", 50),
        ([line(100, reference="A-1", external_reference=f"x{n}") for n in (1, 2)], "duplicate_charge", 100),
        ([line(100, reference="A-1"), line(-100, reference="A-1", kind="reversal")], "late_reversal", -100),
        ([line(90, reference="A-1")], "amount_differs", -10),
    ],
)
def test_breaks_with_a_gateway(theirs: list[Any], type_: str, difference: int) -> None:
    run = compare([paid(100, "A")], theirs, side=GATEWAY, source="midtrans")
    assert run.state == "done", run.said
    assert [(found[0], found[2]) for found in breaks()] == [(type_, difference)]


def test_a_settled_payment_that_a_later_report_voids_was_taken_back() -> None:
    compare([paid(100, "A")], [line(100, reference="A-1")], side=GATEWAY, source="midtrans")
    assert not Break.objects.exists()
    load_into(feed("gateway", "midtrans"), [line(100, reference="A-1", status="void")])
    reconcile()
    assert [found[0] for found in breaks()] == ["late_reversal"]


def batch(payout: int, **fields: Any) -> list[Any]:
    """A gateway's batch of 100 less a fee of 3, and what it says it paid out."""
    return [
        line(100, reference="A-1", batch="S-1"),
        line(-3, kind="fee", reference="A-1", batch="S-1"),
        line(-payout, kind="payout", batch="S-1", **fields),
    ]


def test_a_payout_that_is_what_its_batch_adds_up_to_stays_excluded() -> None:
    run = compare([paid(100, "A")], batch(97), side=GATEWAY, source="midtrans")
    assert came_to(run, GATEWAY) == {("matched", "exact"): 1, ("excluded", "own_fees"): 2}
    assert breaks() == []


@pytest.mark.parametrize("payout", [96, 98])
def test_a_payout_of_another_sum_is_a_break_and_heals_when_the_missing_line_comes(payout: int) -> None:
    run = compare([paid(100, "A")], batch(payout), side=GATEWAY, source="midtrans")
    assert came_to(run, GATEWAY) == {
        ("matched", "exact"): 1, ("excluded", "own_fees"): 1, ("break", "payout_differs"): 1
    }  # fmt: skip
    assert breaks() == [("payout_differs", "", payout - 97)]
    found = Break.objects.get()
    assert (found.ours_amount, found.theirs_amount, found.exposure, found.source) == (97, payout, 1, "midtrans")
    load_into(feed("gateway", "midtrans"), [line(payout - 97, kind="fee", reference="A-1", batch="S-1", number=2)])
    assert reconcile().state == "done"
    assert Break.objects.get().state == "healed"


def test_a_payout_of_one_currency_is_not_held_against_lines_of_another() -> None:
    compare([paid(100, "A")], batch(97, currency="USD"), side=GATEWAY, source="midtrans")
    assert breaks() == [("payout_differs", "", 97)]


def test_a_payout_at_head_office_is_held_against_the_gateways_batch() -> None:
    load_into(feed(GATEWAY, "midtrans"), batch(97))
    run = compare([paid(100, "A")], [line(100, order="A"), line(-90, kind="payout", batch="S-1")])
    assert came_to(run, HO) == {("matched", "exact"): 1, ("break", "payout_differs"): 1}
    assert breaks() == [("payout_differs", "", -7)]


def test_rows_that_nobody_could_read_are_one_break_of_their_load() -> None:
    compare([paid(100, "A")], [line(100, order="A")])
    Load.objects.filter(feed__side=HO).update(quarantined=3, name="ho.csv")
    run = reconcile()
    assert run.state == "done", run.said
    assert [(found.type, found.cause) for found in Break.objects.all()] == [("invalid_row", "3 rows of ho.csv")]
    Load.objects.filter(feed__side=HO).update(quarantined=0)
    reconcile()
    assert breaks() == []


@pytest.mark.parametrize(("hours", "is_timing"), [(2, True), (1.9, True), (2.1, False)])
def test_what_is_missing_just_before_the_end_of_the_other_book_may_be_on_its_way(
    hours: float, *, is_timing: bool
) -> None:
    load_into(feed("ours", "ledger"), [paid(100, "A")])
    load_into(feed(HO, complete_up_to=AT + timedelta(hours=hours)), [])
    reconcile()
    assert Break.objects.get().is_timing is is_timing
    feed(HO, complete_up_to=AT + timedelta(days=1))
    reconcile()
    assert Break.objects.get().is_timing is False
