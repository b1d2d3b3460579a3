"""Days as finance closes them and as others may see them."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from reconciliation.models import Day
from reconciliation.services import bridges
from tests.console.people import World
from tests.reconciliation.books import AT, line
from tests.reconciliation.test_bridges import DAY, books, paid

ADDRESS = f"/reconciliation/days/{DAY}/"


@pytest.fixture
def day(db: None) -> Day:
    """One payment agreed, one missing at Head Office, one that Head Office books a day later."""
    books(
        [paid(100_000, "A"), paid(70_000, "B"), paid(50_000, "C")],
        [paid(100_000, "A"), paid(70_000, "B"), paid(50_000, "C")],
        [line(100_000, order="A"), line(50_000, order="C", occurred_at=AT + timedelta(days=1))],
    )
    return bridges.refresh(DAY)


def decide(people: World, deed: str, *, who: str = "budi", **given: str) -> Any:
    return people.client(who).post(f"{ADDRESS}{deed}/", given, follow=True)


def test_the_bridge_is_a_picture_with_words_and_a_table_whose_sums_lead_to_their_rows(people: World, day: Day) -> None:
    page = people.client("agus").get(ADDRESS)
    text = page.content.decode()
    assert 'role="img"' in text
    assert "Bridge: Gross charged +Rp\xa0220.000;" in text
    rows = {row.label: (row.amount, address) for row, address in page.context["rows"]}
    assert rows["Head Office's total"][0] == 100_000
    amount, address = rows["Missing at Head Office"]
    assert amount == -70_000
    listed = people.client("agus").get(address)
    assert [row.item.name for row in listed.context["items"]] == ["B"]
    assert f"/reconciliation/breaks/{listed.context['items'][0].item.found}/" in listed.content.decode()
    file = people.client("agus").get(listed.context["csv_url"])
    assert list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode())))[1][1:4] == [
        "missing_in_ho",
        "B",
        "-70000",
    ]
    gross = people.client("agus").get(rows["Gross charged"][1])
    assert [entry.amount for entry in gross.context["lines"]] == [100_000, 70_000, 50_000]


def test_finance_signs_locks_and_has_it_reopened_by_a_second_person(people: World, day: Day) -> None:
    assert "Nothing is unexplained." in people.client("budi").get(ADDRESS).content.decode()
    assert "Say why" in decide(people, "sign", digest=day.digest).content.decode()
    assert "Signed. The figures stay" in decide(people, "sign", digest=day.digest, reason="HO looks").content.decode()
    assert "Locked." in decide(people, "lock").content.decode()
    assert "Unchanged: the books hold" in people.client("agus").get(f"{ADDRESS}verify/", follow=True).content.decode()
    decide(people, "ask-reopen", reason="B was found")
    assert "a second person" in decide(people, "reopen", reason="me").content.decode()
    assert "Reopened." in decide(people, "reopen", who="ratna", reason="agreed").content.decode()
    text = people.client("agus").get(ADDRESS).content.decode()
    assert "HO looks" in text
    assert "B was found" in text


@pytest.mark.parametrize("who", ["sari", "agus", "admin"])
def test_who_may_only_look_closes_nothing(people: World, day: Day, who: str) -> None:
    assert people.client(who).get(ADDRESS).status_code == 200
    assert "Sign the day" not in people.client(who).get(ADDRESS).content.decode()
    for deed in ("sign", "lock", "reopen", "compute"):
        assert decide(people, deed, who=who, digest=day.digest, reason="x").status_code == 403
    assert Day.objects.get().state == "open"


def test_the_calendar_says_state_and_money_and_asks_the_same_for_any_month(
    people: World, day: Day, django_assert_num_queries: Any
) -> None:
    client = people.client("agus")
    client.get("/reconciliation/days/")
    with django_assert_num_queries(13):
        page = client.get(f"/reconciliation/days/?month={DAY:%Y-%m}")
    text = page.content.decode()
    assert f"/reconciliation/days/{DAY}/" in text
    assert "Rp\xa070.000" in text
    assert client.get("/reconciliation/days/?month=nonsense").status_code == 200


def test_a_day_that_nobody_has_computed_says_so_and_one_that_never_was_is_not_found(people: World, db: None) -> None:
    client = people.client("budi")
    assert "No figures yet" in client.get(ADDRESS).content.decode()
    for address in ("/reconciliation/days/2026-13-40/", "/reconciliation/days/2099-01-01/", f"{ADDRESS}rows/?book=ho"):
        assert client.get(address).status_code == 404
    assert "Computed anew" in decide(people, "compute").content.decode()
