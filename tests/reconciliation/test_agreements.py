"""Fees against tariffs, and differences that two people let pass: what becomes of the lines, and of their sums."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.errors import NotAllowed
from reconciliation import business_day
from reconciliation.agreements import Known, Tariff
from reconciliation.models import Break, Case, Match, Rules, Run, RunTotal
from reconciliation.queries.reports import REPORTS, Wanted
from reconciliation.services import bridges
from reconciliation.services.rules import rules_in_force, save_rules
from reconciliation.services.runs import ask, reconcile, work
from reconciliation.states import RunScope
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_conservation import empty_books

pytestmark = pytest.mark.django_db
DAY = business_day.of(AT)
# 4.000 and 2 % of the payment, VAT of 11 % upon both: Rp 6.660 for Rp 100.000.
TERMS: dict[str, Any] = {
    "gateway": "midtrans", "method": "gopay", "currency": "IDR", "fixed": 4_000, "percent": 200, "vat": 1_100,
    "within": 1, "valid_from": "2020-01-01",
}  # fmt: skip
PASSES: dict[str, Any] = {
    "pairing": "gateway", "gateway": "midtrans", "method": "gopay", "source": "", "currency": "BRL",
    "difference": -250, "first": f"{DAY}", "last": f"{DAY}", "reason": "rounds to whole reais",
}  # fmt: skip


def tariff(**terms: Any) -> dict[str, Any]:
    return Tariff(**TERMS | terms).as_data()


def known(**terms: Any) -> dict[str, Any]:
    return Known(**PASSES | terms).as_data()


def in_force(*, tariffs: Any = (), knowns: Any = ()) -> Rules:
    now = rules_in_force()
    given = {"tariffs": list(tariffs), "known": list(knowns)}
    return save_rules(given, expected=now.number, actor="user:ratna", reason="contract", asked_by="user:budi")


def paid(amount: int = 100_000, name: str = "A", **fields: Any) -> Any:
    defaults = {"reference": f"{name}-1", "source": "midtrans", "method": "gopay"}
    return line(amount, order=name, **defaults | fields)


def fee(amount: int, name: str = "A", **fields: Any) -> Any:
    return line(-amount, kind="fee", **{"reference": f"{name}-1", "source": "midtrans"} | fields)


def at_gateway(*lines: Any, ours: Any = None) -> Run:
    load_into(feed("ours", "ledger"), [paid()] if ours is None else ours)
    load_into(feed("gateway", "midtrans"), lines)
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "done", run.said
    return run


def breaks() -> list[tuple[str, str, int]]:
    return sorted(Break.objects.filter(state="open").values_list("type", "key", "difference"))


# Fees.


@pytest.mark.parametrize("taken", [6_659, 6_660, 6_661])
def test_a_fee_within_its_tolerance_is_as_agreed(taken: int) -> None:
    in_force(tariffs=[tariff()])
    run = at_gateway(paid(), fee(taken))
    assert breaks() == []
    assert RunTotal.objects.get(run=run, side="gateway", outcome="excluded").why == "own_fees"


@pytest.mark.parametrize(("taken", "differs_by"), [(6_658, 2), (6_662, -2), (0, None)])
def test_a_fee_beyond_its_tolerance_is_a_break(taken: int, differs_by: int | None) -> None:
    in_force(tariffs=[tariff()])
    run = at_gateway(paid(), *([fee(taken)] if taken else []))
    assert breaks() == ([("fee_differs", "A-1", differs_by)] if differs_by else [])
    if differs_by:
        found = Break.objects.get()
        assert (found.ours_amount, found.theirs_amount, found.exposure) == (-6_660, -taken, 2)
        assert (found.gateway, found.method, len(found.theirs)) == ("midtrans", "gopay", 1)
        assert RunTotal.objects.get(run=run, side="gateway", outcome="break").why == "fee_differs"
        assert Case.objects.get().traits == {"source": "midtrans", "method": "gopay"}


def test_a_fee_in_parts_is_held_against_the_tariff_as_a_sum() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(), fee(6_000), fee(660, number=2))
    assert breaks() == []
    load_into(feed("gateway", "midtrans"), [fee(500, number=3)])
    assert reconcile().scope == "changes"
    assert breaks() == [("fee_differs", "A-1", -500)]
    assert len(Break.objects.get().theirs) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"gateway": "xendit"},
        {"method": "card"},
        {"currency": "USD"},
        {"valid_from": f"{DAY + timedelta(days=1)}"},
    ],
)
def test_without_a_tariff_nothing_is_said(other: dict[str, str]) -> None:
    in_force(tariffs=[tariff(**other)])
    at_gateway(paid(), fee(99))
    assert breaks() == []


def test_the_newest_tariff_of_the_method_goes_before_that_of_all_methods() -> None:
    day = f"{DAY}"
    general = tariff(method="", fixed=1, percent=0, vat=0, within=0, valid_from=day)
    older, newer = (
        tariff(fixed=2, percent=0, vat=0, within=0),
        tariff(fixed=3, percent=0, vat=0, within=0, valid_from=day),
    )
    in_force(tariffs=[general, older, newer])
    lines = [paid(), fee(3), paid(name="B", method="card"), fee(1, "B")]
    at_gateway(*lines, ours=[paid(), paid(name="B", method="card")])
    assert breaks() == []
    in_force(tariffs=[general, older])
    reconcile()
    assert breaks() == [("fee_differs", "A-1", -1)]


def stepped(**terms: Any) -> list[dict[str, Any]]:
    """Rp 500 a payment, and Rp 300 once Rp 200.000 came in by GoPay in the month."""
    flat = {"percent": 0, "vat": 0, "within": 0} | terms
    return [tariff(fixed=500, **flat), tariff(fixed=300, above=200_000, **flat)]


def at(days: int, name: str, *, fee_of: int, **fields: Any) -> list[Any]:
    """A payment and its fee, so many days into a month."""
    when = {"occurred_at": datetime(2026, 3, 1, 3, tzinfo=UTC) + timedelta(days=days)}
    return [paid(name=name, **when | fields), fee(fee_of, name, **when)]


def test_a_step_holds_once_the_month_has_come_to_its_volume() -> None:
    in_force(tariffs=stepped())
    lines = [*at(0, "A", fee_of=500), *at(1, "B", fee_of=500), *at(2, "C", fee_of=300)]
    other_method = at(0, "M", fee_of=9, method="card")
    next_month = at(40, "N", fee_of=500)
    at_gateway(*lines, *other_method, *next_month, ours=[each for each in lines if each.kind == "payment"])
    assert [each for each in breaks() if each[0] == "fee_differs"] == []


def test_a_step_for_every_method_counts_them_all() -> None:
    in_force(tariffs=stepped(method=""))
    lines = [*at(0, "A", fee_of=500), *at(1, "B", fee_of=500, method="card"), *at(2, "C", fee_of=500)]
    at_gateway(*lines, ours=[each for each in lines if each.kind == "payment"])
    assert breaks() == [("fee_differs", "C-1", -200)]


def test_a_payment_that_comes_late_moves_the_step_of_those_after_it() -> None:
    in_force(tariffs=stepped())
    lines = [*at(0, "A", fee_of=500), *at(2, "C", fee_of=500)]
    at_gateway(*lines, ours=[paid(name="A"), paid(name="B"), paid(name="C")])
    late = at(1, "B", fee_of=500)
    load_into(feed("gateway", "midtrans"), late)
    changes = reconcile()
    assert (changes.state, changes.scope) == ("done", "changes"), changes.said
    assert breaks() == [("fee_differs", "C-1", -200)]
    assert reconcile(scope=RunScope.FULL).summary["found"] == 0


def test_the_way_of_paying_is_asked_of_our_line_where_the_gateway_does_not_say() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(method=""), fee(7_000))
    assert breaks() == [("fee_differs", "A-1", -340)]


def test_a_fee_that_is_corrected_heals_its_break() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(), fee(7_660))
    load_into(feed("gateway", "midtrans"), [line(1_000, kind="fee", reference="A-1", source="midtrans", number=2)])
    reconcile()
    assert Break.objects.get().state == "healed"


def test_runs_of_days_and_of_changes_find_what_a_full_run_finds() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(), fee(6_700))
    Break.objects.all().delete()
    window = reconcile(window=(DAY, DAY), scope=RunScope.WINDOW)
    assert window.state == "done", window.said
    assert breaks() == [("fee_differs", "A-1", -40)]
    load_into(feed("gateway", "midtrans"), [paid(name="B"), fee(6_000, "B")])
    changes = reconcile()
    assert changes.state == "done", changes.said
    assert ("fee_differs", "B-1", 660) in breaks()


def test_the_bridge_keeps_every_fee_in_its_line() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(), fee(7_000))
    day = bridges.refresh(DAY)
    figures = {(each.book, each.step): each.amount for each in day.figures.all()}
    assert figures["gateway", "fees"] == -7_000
    assert figures["to_ours", "fees_kept"] == 7_000
    assert figures["gateway", "total"] + figures["to_ours", "fees_kept"] == figures["ours", "total"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amount=st.integers(1, 10_000_000), fixed=st.integers(0, 10_000), percent=st.integers(0, 1_000),
    vat=st.integers(0, 1_200), within=st.integers(0, 5), off_by=st.integers(-6, 6),
    least=st.sampled_from([0, 0, 5_000]), most=st.sampled_from([0, 0, 5_000, 20_000]),
)  # fmt: skip
def test_whatever_was_agreed_only_what_is_further_off_is_a_break(
    amount: int, fixed: int, percent: int, vat: int, within: int, off_by: int, least: int, most: int
) -> None:
    empty_books()
    Rules.objects.all().delete()
    in_force(tariffs=[tariff(fixed=fixed, percent=percent, vat=vat, within=within, least=least, most=most)])
    share = max(fixed + Decimal(amount) * percent / 10_000, least)
    share = Decimal(min(share, most) if most else share)
    agreed = int((share * (10_000 + vat) / 10_000).quantize(Decimal(1), ROUND_HALF_UP))
    taken = agreed + off_by
    at_gateway(paid(amount), fee(taken), ours=[paid(amount)])
    assert breaks() == ([("fee_differs", "A-1", -off_by)] if abs(off_by) > within else [])


# Known differences.


def rounded(*, off_by: int = -250, **fields: Any) -> Run:
    return at_gateway(paid(10_000 + off_by, currency="BRL", **fields), ours=[paid(10_000, currency="BRL", **fields)])


def test_a_known_difference_is_matched_and_stays_countable() -> None:
    in_force(knowns=[known()])
    run = rounded()
    assert breaks() == []
    assert set(RunTotal.objects.filter(run=run).values_list("outcome", "why")) == {("matched", "known_difference")}
    found = Match.objects.get()
    assert (found.rule, found.difference, found.known) == ("known_difference", -250, known()["name"])
    (row,) = REPORTS["known-differences"].rows(Wanted(DAY, DAY))
    assert (row[4], row[6:11]) == (-250, ("user:budi", "user:ratna", 1, -250, "BRL"))
    day = bridges.refresh(DAY)
    figures = {(each.book, each.step): each.amount for each in day.figures.all()}
    assert figures["to_ours", "known_difference"] == 250
    assert reconcile(scope=RunScope.FULL).digest == run.digest


@pytest.mark.parametrize(
    "other",
    [
        {"difference": -249},
        {"difference": 250},
        {"gateway": "xendit"},
        {"method": "card"},
        {"source": "xendit"},
        {"currency": "USD"},
        {"pairing": "ho"},
        {"last": f"{DAY - timedelta(days=1)}", "first": f"{DAY - timedelta(days=9)}"},
        {"first": f"{DAY + timedelta(days=1)}", "last": None},
    ],
)
def test_another_difference_stays_a_break(other: dict[str, Any]) -> None:
    in_force(knowns=[known(**other)])
    rounded()
    assert breaks() == [("amount_differs", "A-1", -250)]


@pytest.mark.parametrize(
    "open_",
    [{"method": ""}, {"gateway": "", "source": "midtrans"}, {"last": None}, {"last": f"{DAY}", "first": "2020-01-01"}],
)
def test_what_is_left_open_is_any(open_: dict[str, Any]) -> None:
    in_force(knowns=[known(**open_)])
    rounded()
    assert breaks() == []


def test_a_difference_that_is_no_longer_let_pass_is_a_break_again() -> None:
    in_force(knowns=[known()])
    rounded()
    in_force()
    assert reconcile().scope == "full"
    assert breaks() == [("amount_differs", "A-1", -250)]
    assert not Match.objects.exists()


def test_it_takes_two_people() -> None:
    given, now = {"tariffs": [], "known": [known()]}, rules_in_force()
    for asked_by in ("", "user:budi"):
        with pytest.raises(NotAllowed):
            save_rules(given, expected=now.number, actor="user:budi", reason="x", asked_by=asked_by)
    saved = save_rules(given, expected=now.number, actor="user:ratna", reason="x", asked_by="user:budi")
    assert [(each["asked_by"], each["approved_by"]) for each in saved.known] == [("user:budi", "user:ratna")]
    # What was approved in these words needs nobody again, and keeps its people; other words do.
    again = save_rules(
        given | {"patience_days": 9}, expected=saved.number, actor="user:budi", reason="x", asked_by="user:budi"
    )
    assert again.known == saved.known
    longer = {"known": [known(last=None)]}
    with pytest.raises(NotAllowed):
        save_rules(longer, expected=again.number, actor="user:budi", reason="x", asked_by="user:budi")
    assert save_rules({"known": []}, expected=again.number, actor="user:budi", reason="x").known == []


@pytest.mark.parametrize(
    "people", [{"asked_by": "a", "approved_by": "a"}, {"asked_by": "a"}, {"asked_by": "a", "approved_by": ""}]
)
def test_postgresql_refuses_a_difference_that_one_person_let_pass(people: dict[str, str]) -> None:
    statement = {name: value for name, value in known().items() if name not in {"asked_by", "approved_by"}}
    with pytest.raises(IntegrityError), transaction.atomic():
        Rules.objects.create(number=77, known=[statement | people])


def test_what_a_difference_would_settle_is_tried_first() -> None:
    rounded()
    run = ask(scope=RunScope.WINDOW, window=(DAY, DAY), trial={"tariffs": [tariff()], "known": [known()]})
    done = work(run.pk)
    assert done is not None
    assert (done.state, done.summary["before"], done.summary["after"]) == ("done", 1, 0)
    assert breaks() == [("amount_differs", "A-1", -250)]


def test_the_report_of_fees_says_what_to_claim() -> None:
    in_force(tariffs=[tariff()])
    at_gateway(paid(), fee(7_000))
    rows = list(REPORTS["fees"].rows(Wanted(date(2020, 1, 1), DAY)))
    assert rows == [("midtrans", "gopay", 1, 6_660, 7_000, 340, "IDR")]
