"""Breaks and cases as finance works them: narrowed, looked at with both sides, taken up, noted, exported."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from opsconsole.console.break_words import NEXT
from opsconsole.console.run_words import PHASES
from orders.models import Order
from orders.queries.places import Place
from reconciliation.models import BookEvent, Break, BreakEvent, Entry, Load
from reconciliation.queries import breaks as queries
from reconciliation.queries.breaks import BreakFilter
from reconciliation.queries.cases import CAUSES
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of
from reconciliation.services.pairings import PASSES
from reconciliation.services.runs import reconcile
from reconciliation.states import BreakType
from tests.console.people import World
from tests.orders.making import make_order
from tests.reconciliation.books import AT, feed, line, load_into

LIST = "/reconciliation/breaks/"


def paid(amount: int, order: str, **fields: Any) -> Any:
    return line(amount, order=order, **{"reference": f"{order}-1", "source": "midtrans", "method": "gopay"} | fields)


@pytest.fixture
def order(db: None) -> Order:
    return make_order()


@pytest.fixture
def found(order: Order) -> dict[str, Break]:
    """Three differences of −250, one payment of a real order missing, one entry of nobody; by their key."""
    hour = timedelta(hours=1)
    ours = [paid(10_000, f"D{n}", occurred_at=AT + n * hour) for n in range(3)]
    ours.append(paid(6_000_000, order.public_id, occurred_at=AT + 4 * hour, method="qris", source="xendit"))
    theirs = [line(9_750, order=f"D{n}", occurred_at=AT + n * hour, source="ho") for n in range(3)]
    theirs.append(line(70, order="Z", occurred_at=AT + 5 * hour))
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("ho"), theirs)
    assert reconcile().state == "done"
    return {each.key: each for each in Break.objects.all()}


def keys(page: HttpResponse) -> list[str]:
    return [row.found.key for row in page.context["list"].rows]


def text_of(page: HttpResponse) -> str:
    return page.content.decode()


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_list_is_narrowed_by_its_address(people: World, found: dict[str, Break], order: Order) -> None:
    client = people.client("agus")
    missing = order.public_id
    Break.objects.filter(key="D1").update(owner=people.users["agus"])
    case = found["D0"].case_id
    for query, expected in {
        "": ["D0", "D1", "D2", missing, "Z"],
        "type=missing_in_ho": [missing],
        "gateway=xendit": [missing],
        "method=gopay&age=3-7": ["D0", "D1", "D2"],
        "least=1.000.000": [missing],
        "least=nonsense": ["D0", "D1", "D2", missing, "Z"],
        "owner=me": ["D1"],
        f"owner={people.users['budi'].pk}": [],
        f"owner={people.users['agus'].pk}": ["D1"],
        "owner=-": ["D0", "D2", missing, "Z"],
        f"case={case}": ["D0", "D1", "D2"],
        "q=D2-1": ["D2"],
        f"q={missing}": [missing],
        "state=healed": [],
        "side=gateway": [],
        "timing=yes": [],
        "timing=no&q=Z": ["Z"],
        f"from={AT.date()}&to={AT.date()}": ["D0", "D1", "D2", missing, "Z"],
        "from=2020-01-01&to=2020-01-02": [],
    }.items():
        assert keys(client.get(f"{LIST}?{query}")) == expected, query


def test_the_list_costs_the_same_for_few_and_for_many(
    people: World, found: dict[str, Break], django_assert_num_queries: Any
) -> None:
    client = people.client("agus")
    client.get(LIST)
    with django_assert_num_queries(10):
        client.get(LIST)
    template = found["D0"]
    for number in range(120):
        template.pk, template.identity, template.key = None, f"N{number}|IDR", f"N{number}"
        template.occurred_at = AT + timedelta(minutes=number)
        template.save()
    with django_assert_num_queries(10):
        page = client.get(LIST)
    seen = keys(page)
    while page.context["list"].next:
        page = client.get(page.context["list"].next)
        seen += keys(page)
    assert (len(seen), len(set(seen))) == (125, 125)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (BreakFilter(), "break_open"),
        (BreakFilter(types=("amount_differs",)), "break_open_type"),
        (BreakFilter(case=3), "break_of_case"),
        (BreakFilter(states=("healed",)), "break_closed"),
    ],
)
def test_a_page_comes_in_its_order_from_an_index(db: None, wanted: BreakFilter, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
    after = Place(AT, 1)
    page = queries.breaks(wanted).filter(occurred_at__gte=after.at)[:50]
    plan = page.explain()
    assert index in plan
    assert "Sort" not in plan


def test_a_count_stops_where_nobody_reads_on(found: dict[str, Break]) -> None:
    assert (queries.counted(BreakFilter(), most=3), queries.counted(BreakFilter(), most=9)) == (4, 5)


def test_a_break_shows_both_sides_and_what_differs(people: World, found: dict[str, Break], order: Order) -> None:
    page = people.client("agus").get(f"{LIST}{found['D1'].pk}/")
    differing = [field.label for field in page.context["compared"] if field.differs]
    assert differing == ["Amount"]
    text = text_of(page)
    assert "Both have it, with another amount" in text
    assert "Compare the fields that differ." in text
    assert "Found" in text
    missing = text_of(people.client("agus").get(f"{LIST}{found[order.public_id].pk}/"))
    assert f'href="/orders/{order.public_id}/"' in missing
    assert "Head Office: no line" in missing


def test_a_healed_break_names_the_row_that_healed_it(people: World, found: dict[str, Break], order: Order) -> None:
    load_into(feed("ho"), [line(6_000_000, order=order.public_id, number=12)], name="late.csv")
    run = reconcile()
    text = text_of(people.client("agus").get(f"{LIST}{found[order.public_id].pk}/"))
    entry = Entry.objects.latest("pk")
    assert f"by line 12 of load {entry.load_id}" in text
    assert f"/reconciliation/lines/{entry.pk}/row/" in text
    assert f"run {run.pk}" in text


def test_the_row_of_the_file_is_shown_as_it_came(people: World, settings: Any, tmp_path: Path) -> None:
    settings.LOADS_DIR = str(tmp_path / "loads")
    text = (
        "entry_ref,order_ref,amount,currency,occurred_at\nR-1,MRG-1,50000,IDR,2026-11-20\nR-2,MRG-2,7,IDR,2026-11-20\n"
    )
    load = loading.receive([text.encode()], feed=feed_of("ho", "ho"), name="a.csv", layout="ho", actor="user:budi")
    loading.work(load.pk)
    entry = Entry.objects.get(order_reference="MRG-2")
    answer = people.client("budi").get(f"/reconciliation/lines/{entry.pk}/row/")
    assert [row for row in answer.context["shown"].rows if row[0] == 3] == [(3, "R-2,MRG-2,7,IDR,2026-11-20")]
    assert "entry_ref,order_ref" in text_of(answer)
    assert people.client("admin").get(f"/reconciliation/lines/{entry.pk}/row/").status_code == 403
    other = load_into(feed("ho"), [line(5, order="Q")]) and Entry.objects.latest("pk")
    assert "there is no file" in text_of(people.client("budi").get(f"/reconciliation/lines/{other.pk}/row/"))


def test_ticked_breaks_are_taken_handed_over_and_noted(people: World, found: dict[str, Break]) -> None:
    client, act = people.client("budi"), f"{LIST}act/"
    ids = [found["D0"].pk, found["D1"].pk]
    client.post(act, {"do": "take", "break": ids})
    assert set(Break.objects.filter(owner=people.users["budi"]).values_list("key", flat=True)) == {"D0", "D1"}
    client.post(act, {"do": "assign", "owner": "ratna", "break": ids[:1], "note": "your gateway"})
    event = BreakEvent.objects.latest("pk")
    assert (event.verb, event.actor, event.reason) == ("assign", "user:budi", "your gateway")
    assert event.detail == {"owner": ["budi", "ratna"]}
    client.post(act, {"do": "note", "all": "1", "query": "type=amount_differs", "note": "rounding at HO"})
    assert BreakEvent.objects.filter(verb="note", reason="rounding at HO").count() == 3
    before = BreakEvent.objects.count()
    for form in ({"do": "note", "break": ids}, {"do": "take"}, {"do": "take", "break": ["x"]}):
        client.post(act, form)
    assert client.post(act, {"do": "assign", "owner": "agus", "break": ids}).status_code == 404
    assert BreakEvent.objects.count() == before


def test_who_saw_another_owner_is_told_so(people: World, found: dict[str, Break]) -> None:
    pk = found["D0"].pk
    Break.objects.filter(pk=pk).update(owner=people.users["ratna"])
    answer = people.client("budi").post(f"{LIST}{pk}/act/", {"do": "assign", "owner": "budi", "seen": "0"}, follow=True)
    assert "has changed since: it was nobody and is now ratna" in text_of(answer)
    assert Break.objects.get(pk=pk).owner == people.users["ratna"]


def test_a_case_is_one_line_with_its_pattern_and_an_owner(
    people: World, found: dict[str, Break], django_assert_num_queries: Any
) -> None:
    client = people.client("budi")
    client.get("/reconciliation/cases/")
    with django_assert_num_queries(9):
        page = client.get("/reconciliation/cases/")
    assert [(row["case"].type, row["case"].count, row["money"]) for row in page.context["rows"]] == [
        ("missing_in_ho", 1, 6_000_000),
        ("amount_differs", 3, 750),
        ("ho_without_payment", 1, 70),
    ]
    case = found["D0"].case
    assert case is not None
    shown = client.get(f"/reconciliation/cases/{case.pk}/")
    patterns = {str(each["label"]): each for each in shown.context["patterns"]}
    assert patterns["Gateway"]["values"] == [("Midtrans", 3, 1.0)]
    assert sum(patterns["Hour of the day (WIB)"]["hours"]) == 3
    assert "Always the same difference: −Rp 250." in text_of(shown)
    address = f"/reconciliation/cases/{case.pk}/act/"
    client.post(address, {"do": "assign", "owner": "ratna", "seen": "0", "note": "HO rounds"})
    client.post(address, {"do": "assign", "owner": "budi", "seen": "0"})  # has seen nobody
    client.post(address, {"do": "note", "note": "asked HO"})
    assert keys(client.get(f"{LIST}?owner=-&type=amount_differs")) == []
    case.refresh_from_db()
    assert (case.owner, BookEvent.objects.filter(subject=f"case:{case.pk}").count()) == (people.users["ratna"], 2)
    assert "asked HO" in text_of(client.get(f"/reconciliation/cases/{case.pk}/"))
    assert client.get("/reconciliation/cases/?owner=-&type=amount_differs").context["rows"] == []
    assert len(client.get("/reconciliation/cases/?age=3-7").context["rows"]) == 3


def test_lists_are_exported_whole_and_without_formulas(people: World, found: dict[str, Break]) -> None:
    rows = rows_of(people.client("agus").get(f"{LIST}export.csv?type=amount_differs"))
    assert [(row["order_id"], row["difference_minor"]) for row in rows] == [(f"D{n}", "-250") for n in range(3)]
    cases = rows_of(people.client("agus").get("/reconciliation/cases/export.csv"))
    assert [row["breaks"] for row in cases] == ["1", "3", "1"]
    assert people.client("admin").get(f"{LIST}export.csv").status_code == 403


@pytest.mark.parametrize("who", ["agus", "admin"])
def test_who_may_only_look_takes_nothing_up(people: World, found: dict[str, Break], who: str) -> None:
    client, pk = people.client(who), found["D0"].pk
    for address in (f"{LIST}act/", f"{LIST}{pk}/act/", f"/reconciliation/cases/{found['D0'].case_id}/act/"):
        assert client.post(address, {"do": "note", "note": "x", "break": pk}).status_code == 403
    assert "Keep the note" not in text_of(client.get(f"{LIST}{pk}/"))
    assert not BreakEvent.objects.exists()


def test_every_type_says_what_to_do_and_every_phase_has_a_name() -> None:
    assert set(BreakType.values) == set(NEXT) == set(CAUSES)
    assert set(PASSES) <= set(PHASES)


def test_rows_that_nobody_could_read_lead_to_their_load(people: World, found: dict[str, Break]) -> None:
    load = Load.objects.latest("pk")
    found["Z"].type, found["Z"].identity = "invalid_row", f"load~{load.pk}|{load.pk}"
    found["Z"].is_timing = True
    found["Z"].save()
    text = text_of(people.client("agus").get(f"{LIST}{found['Z'].pk}/"))
    assert f'href="/reconciliation/loads/{load.pk}/">Load {load.pk} and its rows in quarantine' in text
    assert "May be on its way" in text
