"""Breaks and cases as screens will ask for them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone, translation

from orders.queries.places import Place
from reconciliation.models import Break, Case
from reconciliation.queries import breaks, cases, totals
from reconciliation.queries.breaks import BreakFilter
from reconciliation.queries.cases import CaseFilter
from reconciliation.services.runs import reconcile
from tests.reconciliation.books import AT, feed, line, load_into

pytestmark = pytest.mark.django_db


def paid(amount: int, order: str, **fields: Any) -> Any:
    return line(amount, order=order, **{"reference": f"{order}-1", "source": "midtrans", "method": "gopay"} | fields)


@pytest.fixture
def found() -> None:
    """Three differences of −250, one of −90, one payment missing, one entry of nobody."""
    hour = timedelta(hours=1)
    ours = [paid(10_000, f"D{n}", occurred_at=AT + n * hour) for n in range(3)]
    ours += [paid(8_000, "E", occurred_at=AT + 3 * hour), paid(500, "M", occurred_at=AT + 4 * hour, method="qris")]
    theirs = [line(9_750, order=f"D{n}", occurred_at=AT + n * hour) for n in range(3)]
    theirs += [line(7_910, order="E", occurred_at=AT), line(70, order="Z", occurred_at=AT + 5 * hour)]
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("ho"), theirs)
    assert reconcile().state == "done"


def keys(rows: list[Break]) -> list[str]:
    return [row.key for row in rows]


@pytest.mark.usefixtures("found")
def test_pages_follow_each_other_without_gap_or_repeat(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        first = breaks.page(BreakFilter(), size=4)
    rest = breaks.page(BreakFilter(), after=Place(first[-1].occurred_at, first[-1].pk), size=4)
    assert keys(first) + keys(rest) == ["D0", "E", "D1", "D2", "M", "Z"]


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (BreakFilter(types=("missing_in_ho",)), ["M"]),
        (BreakFilter(methods=("gopay",)), ["D0", "E", "D1", "D2"]),
        (BreakFilter(gateways=("xendit",)), []),
        (BreakFilter(least=250), ["D0", "D1", "D2", "M"]),
        (BreakFilter(text="Z"), ["Z"]),
        (BreakFilter(text="D1-1"), ["D1"]),
        (BreakFilter(pairings=("gateway",)), []),
        (BreakFilter(states=("healed",)), []),
    ],
)
def test_filters(wanted: BreakFilter, names: list[str]) -> None:
    assert keys(breaks.page(wanted)) == names


@pytest.mark.usefixtures("found")
def test_owners_and_cases_narrow_a_list() -> None:
    budi = get_user_model().objects.create(username="budi")
    Break.objects.filter(key="M").update(owner=budi)
    assert keys(breaks.page(BreakFilter(owner=budi.pk))) == ["M"]
    assert len(breaks.page(BreakFilter(unowned=True))) == 5
    case = Case.objects.get(signature="amount_differs|IDR|difference=-250|source=ho")
    assert keys(breaks.page(BreakFilter(case=case.pk))) == ["D0", "D1", "D2"]


@pytest.mark.usefixtures("found")
def test_ages_add_up_to_all_open_breaks() -> None:
    aged = totals.ageing(timezone.now())
    assert (sum(each.breaks for each in aged), sum(each.money for each in aged)) == (6, 3 * 250 + 90 + 500 + 70)
    assert {each.bucket for each in aged} == {"3-7"}


@pytest.mark.usefixtures("found")
def test_a_break_is_shown_with_both_lines() -> None:
    shown = breaks.break_page(Break.objects.get(key="E").pk)
    assert ([e.amount for e in shown.ours], [e.amount for e in shown.theirs]) == ([8_000], [7_910])
    assert (shown.healed_by, shown.events) == (None, [])


@pytest.mark.usefixtures("found")
def test_breaks_of_one_cause_are_one_case_and_its_cause_is_a_sentence() -> None:
    rows = cases.page(cases.cases(), timezone.now())
    assert [(row.case.type, row.case.count, int(row.case.money)) for row in rows] == [
        ("amount_differs", 3, 750),
        ("missing_in_ho", 1, 500),
        ("amount_differs", 1, 90),
        ("ho_without_payment", 1, 70),
    ]
    with translation.override("en"):
        assert cases.proposed_cause(rows[0].case) == (
            "Both have it, with another amount: a fee, a rounding, or a part is missing."
            " Always the same difference: −Rp 250. At: Head Office."
        )
    last = rows[1].case
    after = cases.page(cases.cases(), timezone.now(), after=cases.Place(last.money, last.pk))
    assert [int(row.case.money) for row in after] == [90, 70]


@pytest.mark.usefixtures("found")
def test_a_case_without_open_breaks_is_over_and_comes_back_with_its_owner() -> None:
    budi = get_user_model().objects.create(username="budi")
    Case.objects.update(owner=budi)
    load_into(feed("ho"), [line(500, order="M")])
    reconcile()
    case = Case.objects.get(type="missing_in_ho")
    assert (case.is_open, case.count, int(case.money)) == (False, 0, 0)
    load_into(feed("ours", "ledger"), [paid(30, "N")])
    reconcile()
    case.refresh_from_db()
    assert (case.is_open, case.count, case.owner) == (True, 1, budi)


@pytest.mark.parametrize(
    ("window", "count"),
    [
        ({}, 4),
        ({"first_day": AT.date()}, 4),
        ({"last_day": AT.date()}, 4),
        ({"first_day": AT.date() + timedelta(days=1)}, 0),
        ({"last_day": AT.date() - timedelta(days=1)}, 0),
        ({"first_day": AT.date() - timedelta(days=1), "last_day": AT.date() + timedelta(days=1)}, 4),
    ],
    ids=["any", "from-its-day", "to-its-day", "after", "before", "around"],
)
@pytest.mark.usefixtures("found")
def test_cases_are_narrowed_to_those_whose_window_touches_some_days(window: dict[str, Any], count: int) -> None:
    assert cases.cases(CaseFilter(**window)).count() == count


@pytest.mark.usefixtures("found")
def test_a_case_that_goes_on_over_several_days_is_found_on_each() -> None:
    Case.objects.filter(type="missing_in_ho").update(first_at=AT - timedelta(days=3), last_at=AT)
    day = AT.date() - timedelta(days=2)
    found = cases.cases(CaseFilter(first_day=day, last_day=day))
    assert list(found.values_list("type", flat=True)) == ["missing_in_ho"]
