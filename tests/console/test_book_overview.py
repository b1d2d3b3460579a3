"""The overview, the calendar, feeds and rules: what finance sees first, and what it decides about."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from reconciliation import business_day
from reconciliation.models import BookEvent, Break, Entry, Feed, Rules, Run
from reconciliation.queries.calendar import days
from reconciliation.services.runs import reconcile, work
from tests.console.people import World
from tests.reconciliation.books import AT, feed, line, load_into

RULES = {"tolerance": "0.05", "percent": "0", "open_order_hours": "24", "patience_days": "30", "days": "10"}
TERMS = {"kind": "daily", "at": "10:30", "cut_off": "22:00", "is_active": "on", "was_cut_off": "00:00:00"}
TERMS |= {"was_schedule": "", "was_active": "on"}
DAY = business_day.of(AT)


@pytest.fixture
def books(db: None) -> None:
    ours = [line(1_000, order="A", source="midtrans"), line(500, order="B", occurred_at=AT - timedelta(days=1))]
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("ho", complete_up_to=business_day.begins(DAY + timedelta(days=1))), [line(960, order="A")])
    load_into(feed("ho", complete_up_to=business_day.begins(DAY + timedelta(days=1))), [line(500, order="B")])
    assert reconcile().summary["open"] == 1


def test_each_day_says_how_it_is(books: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(4):
        found = days(DAY - timedelta(days=2), DAY + timedelta(days=1))
    assert [(each.state.value, each.breaks, each.unexplained) for each in found] == [
        ("empty", 0, {}),
        ("in_order", 0, {}),
        ("open", 1, {"IDR": 40}),
        ("incomplete", 0, {}),
    ]


def test_the_overview_says_what_lies_open_by_age_and_leads_to_the_days(people: World, books: None) -> None:
    page = people.client("agus").get("/reconciliation/")
    assert sum(each["count"] for each in page.context["ages"]) == 1
    assert 'href="/reconciliation/days/"' in page.content.decode()


def test_the_months_calendar_says_how_the_books_of_each_day_are(people: World, books: None) -> None:
    client = people.client("agus")
    page = client.get(f"/reconciliation/days/?month={DAY:%Y-%m}")
    cells = {cell.date: cell for week in page.context["weeks"] for cell in week}
    assert (cells[DAY].breaks, cells[DAY].how) == (1, "")
    assert cells[DAY + timedelta(days=1)].how == "Books incomplete"
    assert cells[DAY - timedelta(days=1)].how == ""
    assert all(len(week) == 7 for week in page.context["weeks"])
    for month in ("2024-02", "nonsense", "2026-13", "2031-01"):
        assert client.get(f"/reconciliation/days/?month={month}").status_code == 200


def test_a_feeds_terms_are_changed_with_a_reason_and_stay_in_the_history(people: World) -> None:
    found = Feed.objects.create(side="gateway", source="midtrans", complete_up_to=timezone.now())
    client, address = people.client("budi"), f"/reconciliation/feeds/{found.pk}/"
    assert client.post(address, TERMS).status_code == 422
    assert client.post(address, TERMS | {"reason": "x", "at": ""}).status_code == 422
    assert client.post(address, TERMS | {"reason": "new contract"}).status_code == 302
    found.refresh_from_db()
    assert (found.schedule, f"{found.cut_off:%H:%M}") == ("daily:10:30", "22:00")
    assert BookEvent.objects.get().detail["before"]["schedule"] == ""
    assert "new contract" in client.get(address).content.decode()
    assert client.post(address, TERMS | {"reason": "late"}).status_code == 422  # saw the old terms
    assert people.client("agus").post(address, TERMS | {"reason": "x"}).status_code == 403
    assert "Save the terms" not in people.client("agus").get(address).content.decode()


def test_rules_are_tried_and_only_then_saved(people: World, books: None) -> None:
    client = people.client("budi")
    answer = client.post("/reconciliation/rules/", RULES | {"by_currency": "IDR = 40"})
    trial = Run.objects.latest("pk")
    assert answer["Location"] == f"/reconciliation/runs/{trial.pk}/"
    save = f"/reconciliation/rules/trials/{trial.pk}/save/"
    assert client.post(save, {"reason": "early"}).status_code == 404
    work(trial.pk)
    text = client.get(answer["Location"]).content.decode()
    assert "Would be no break any more: 1" in text
    assert "Breaks on these days: 1 by the rules in force, 0 by these." in text
    assert Break.objects.get().state == "open"
    client.post(save, {"reason": ""})
    assert Rules.objects.count() == 1
    assert people.client("sari").post(save, {"reason": "x"}).status_code == 403
    client.post(save, {"reason": "coins"})
    assert Rules.objects.latest("number").tolerance_by_currency == {"IDR": 40}
    assert "coins" in client.get("/reconciliation/rules/").content.decode()
    assert reconcile().scope == "full"
    assert Break.objects.get().state == "healed"


@pytest.mark.parametrize(
    "wrong",
    [{"percent": "101"}, {"tolerance": "x"}, {"by_currency": "XXX = 5"}, {"by_currency": "IDR = -5"}, {"days": "0"}],
)
def test_rules_that_make_no_sense_are_not_tried(people: World, wrong: dict[str, str]) -> None:
    blank = rows("tariff", dict.fromkeys(TARIFF, "")) | rows("known", dict.fromkeys(PASSES, ""))
    answer = people.client("budi").post("/reconciliation/rules/", RULES | blank | wrong)
    assert answer.status_code == 422
    assert "This field is required" not in answer.content.decode()
    assert not Run.objects.exists()


def test_a_month_before_all_books_is_empty(db: None) -> None:
    assert not Entry.objects.exists()
    assert {each.state.value for each in days(date(2020, 2, 1), date(2020, 2, 29))} == {"incomplete"}


def rows(name: str, *given: dict[str, str]) -> dict[str, str]:
    sent = {f"{name}-{at}-{field}": value for at, row in enumerate(given) for field, value in row.items()}
    return {f"{name}-rows": str(len(given)), **sent}


TARIFF = {"gateway": "Midtrans", "method": "gopay", "fixed": "4000", "percent": "2", "vat": "11", "within": "1"}
TARIFF |= {"valid_from": "2026-01-01"}
STEP = TARIFF | {"fixed": "3000", "above": "50000000"}
PASSES = {"pairing": "ho", "gateway": "midtrans", "difference": "-40", "first": "2020-01-01", "reason": "coins"}


def test_agreed_fees_are_stated_row_by_row_tried_and_saved(people: World, books: None) -> None:
    client = people.client("budi")
    client.post("/reconciliation/rules/", RULES | {"by_currency": ""} | rows("tariff", TARIFF, STEP, {}))
    trial = Run.objects.latest("pk")
    work(trial.pk)
    page = client.get(f"/reconciliation/runs/{trial.pk}/").content.decode()
    assert "Midtrans, GoPay, from 2026-01-01: Rp 4.000 + 2% + VAT 11%, within Rp 1" in page
    assert "Rp 3.000 + 2%, from a month&#x27;s volume of Rp 50.000.000 + VAT 11%" in page
    client.post(f"/reconciliation/rules/trials/{trial.pk}/save/", {"reason": "contract"})
    kept, step = Rules.objects.latest("number").tariffs
    assert (kept["above"], step["above"]) == (0, 50_000_000)
    assert (kept["gateway"], kept["fixed"], kept["percent"], kept["vat"], kept["within"]) == (
        "midtrans",
        4000,
        200,
        1100,
        1,
    )
    # A form without rows leaves them as they are; empty rows take them away.
    client.post("/reconciliation/rules/", RULES | {"by_currency": "IDR = 1"})
    assert Run.objects.latest("pk").trial["tariffs"] == [kept, step]
    client.post("/reconciliation/rules/", RULES | rows("tariff", {}))
    assert Run.objects.latest("pk").trial["tariffs"] == []
    assert 'name="tariff-0-gateway" value="midtrans"' in client.get("/reconciliation/rules/").content.decode()


def test_a_known_difference_is_saved_by_somebody_else(people: World, books: None) -> None:
    client = people.client("budi")
    client.post("/reconciliation/rules/", RULES | rows("known", PASSES))
    trial = Run.objects.latest("pk")
    work(trial.pk)
    assert trial.trial["known"][0]["difference"] == -40
    address, save = f"/reconciliation/runs/{trial.pk}/", f"/reconciliation/rules/trials/{trial.pk}/save/"
    page = client.get(address).content.decode()
    assert "takes two people" in page
    assert "Would be no break any more: 1" in page
    assert save not in page.partition("Keep the rules in force")[2]
    client.post(save, {"reason": "x"})
    assert not Rules.objects.exclude(known=[]).exists()
    people.client("ratna").post(save, {"reason": "agreed with the branch"})
    (kept,) = Rules.objects.latest("number").known
    assert kept["asked_by"] != kept["approved_by"]
    assert reconcile().summary["healed"] == 1
    assert "coins" in client.get("/reconciliation/rules/").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        rows("tariff", TARIFF | {"valid_from": ""}),
        rows("tariff", TARIFF | {"fixed": "0.5"}),
        rows("tariff", TARIFF | {"percent": "101"}),
        rows("tariff", TARIFF | {"currency": "XXX"}),
        rows("tariff", TARIFF, TARIFF),
        rows("known", PASSES | {"difference": "0"}),
        rows("known", PASSES | {"gateway": ""}),
        rows("known", PASSES | {"last": "2019-01-01"}),
        rows("known", PASSES | {"reason": ""}),
        rows("known", PASSES, PASSES),
    ],
)
def test_rows_that_make_no_sense_are_not_tried(people: World, wrong: dict[str, str]) -> None:
    assert people.client("budi").post("/reconciliation/rules/", RULES | wrong).status_code == 422
    assert not Run.objects.exists()
