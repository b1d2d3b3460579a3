"""Feeds, loads, previews and layouts as finance uses them, and as others may see them."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from reconciliation.models import Entry, LayoutVersion, Load
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of, make_defaults
from reconciliation.services.layouts import find
from tests.console.people import World

HEAD = "entry_ref,order_ref,amount,currency,occurred_at\n"
GOOD = HEAD + "R-1,MRG-1,50000,IDR,2026-11-20\nR-2,MRG-2,=1+1,IDR,2026-11-20\nR-3,MRG-3,70000,IDR,2026-11-20\n"


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Path) -> None:
    settings.LOADS_DIR = str(tmp_path / "loads")


def send(people: World, text: str, *, layout: str = "ho", side: str = "ho", who: str = "budi") -> HttpResponse:
    file = SimpleUploadedFile("entries.csv", text.encode())
    answer: HttpResponse = people.client(who).post(
        "/reconciliation/loads/new/", {"file": file, "side": side, "layout": layout}
    )
    return answer


def loaded(text: str, **options: Any) -> Load:
    received = loading.receive(
        [text.encode()], feed=feed_of("ho", "ho"), name="entries.csv", layout="ho", actor="user:budi", **options
    )
    return loading.work(received.pk) or received


def fields(page: HttpResponse) -> dict[str, str]:
    """What the browser would send back: the hidden fields, and the mapping as it is shown."""
    asked = page.context["asked"]
    return {name: getattr(asked, name) for name in ("file", "name", "side", "layout", "source", "currency")}


def test_a_file_is_looked_at_before_anything_is_loaded(people: World) -> None:
    answer = send(people, GOOD)
    assert answer.status_code == 302
    page = people.client("budi").get(answer["Location"])
    text = page.content.decode()
    assert "Of the first 3 rows, 2 can be loaded, 0 are left out, 1 cannot be read." in text
    assert "1 × “=1+1” is not an amount in IDR" in text
    assert (Load.objects.count(), Entry.objects.count()) == (0, 0)


def test_what_was_looked_at_is_loaded_with_what_was_stated(people: World) -> None:
    page = people.client("budi").get(send(people, GOOD)["Location"])
    form = fields(page) | {"decision": "load", "total": "120.000", "rows": "3", "through": "2026-11-20"}
    answer = people.client("budi").post("/reconciliation/loads/preview/", form)
    load = Load.objects.get()
    assert answer["Location"] == f"/reconciliation/loads/{load.pk}/"
    assert load.stated == {
        "amounts": {"IDR": 120_000},
        "rows": 3,
        "complete_up_to": "2026-11-20T17:00:00+00:00",
    }
    assert (load.layout, load.actor, load.state) == ("ho", "user:budi", "reading")
    assert loading.work(load.pk) is not None
    text = people.client("budi").get(answer["Location"]).content.decode()
    assert "2 new lines are in the book" in text


@pytest.mark.parametrize("total", ["150000.00", "much"])
def test_a_stated_total_that_is_unclear_loads_nothing(people: World, total: str) -> None:
    page = people.client("budi").get(send(people, GOOD)["Location"])
    answer = people.client("budi").post(
        "/reconciliation/loads/preview/", fields(page) | {"decision": "load", "total": total}
    )
    assert (answer.status_code, Load.objects.count()) == (422, 0)


def test_a_strange_file_is_mapped_by_hand_and_the_mapping_kept_as_a_version(people: World) -> None:
    text = "Beleg;Summe;Tag\nA-1;1.250,50;20.11.2026\nA-2;99,00;21.11.2026\n"
    page = people.client("budi").get(send(people, text)["Location"])
    assert "no column" in page.content.decode()
    mapping = {
        "col-reference": "Beleg",
        "col-amount": "Summe",
        "col-occurred_at": "Tag",
        "decimal_mark": ",",
        "times": "%d.%m.%Y",
        "kinds": "",
    }
    form = fields(page) | mapping | {"currency": "EUR"}
    again = people.client("budi").post("/reconciliation/loads/preview/", form | {"decision": "look"})
    assert "Of the first 2 rows, 2 can be loaded" in again.content.decode()
    saved = people.client("budi").post(
        "/reconciliation/loads/preview/", form | {"decision": "save", "save_as": "shop", "note": "first"}
    )
    assert saved.status_code == 302
    version = LayoutVersion.objects.get()
    assert (str(version), version.note, version.actor) == ("shop@1", "first", "user:budi")
    assert find("shop")[1].columns["reference"] == ("Beleg",)
    assert "Of the first 2 rows, 2 can be loaded" in people.client("budi").get(saved["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"zone": "Mars/Phobos"}, 422), ({"kinds": "nonsense"}, 422), ({"sign": "upwards"}, 422)],
    ids=["zone", "words", "sign"],
)
def test_a_mapping_that_makes_no_sense_is_said_to_be_wrong(people: World, changed: dict[str, str], status: int) -> None:
    page = people.client("budi").get(send(people, GOOD)["Location"])
    answer = people.client("budi").post("/reconciliation/loads/preview/", fields(page) | changed)
    assert answer.status_code == status
    assert LayoutVersion.objects.count() == 0


def test_a_file_that_is_none_is_refused_at_the_preview(people: World) -> None:
    page = people.client("budi").get(send(people, "\0\0\0\0\0\0\0\0x")["Location"])
    assert "full of NUL bytes" in page.content.decode()


def test_a_kept_file_that_nobody_sent_is_not_found(people: World) -> None:
    for file in ("../../etc/passwd", "0" * 64, ""):
        answer = people.client("budi").get("/reconciliation/loads/preview/", {"file": file, "side": "ho"})
        assert answer.status_code == 404


def test_the_quarantine_is_downloaded_with_reasons_and_without_formulas(people: World) -> None:
    load = loaded(HEAD + '"=2+5",MRG-1,x,IDR,2026-11-20\nR-2,MRG-2,50000,IDR,2026-11-20\n')
    answer = people.client("agus").get(f"/reconciliation/loads/{load.pk}/quarantine.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows == [
        ["part", "row", "reason", "content"],
        ["", "2", "“x” is not an amount in IDR", '"=2+5",MRG-1,x,IDR,2026-11-20'],
    ]


def test_a_raw_row_that_begins_like_a_formula_is_made_text(people: World) -> None:
    load = loaded(HEAD + "=cmd(),MRG-1,x,IDR,2026-11-20\nR-2,MRG-2,50000,IDR,2026-11-20\n")
    answer = people.client("agus").get(f"/reconciliation/loads/{load.pk}/quarantine.csv")
    assert "'=cmd()" in b"".join(answer.streaming_content).decode()


def test_finance_releases_a_held_load_with_a_reason(people: World) -> None:
    load = loaded(GOOD, stated={"rows": 9})
    assert (
        "You said 9 rows; 3 were read."
        in people.client("agus").get(f"/reconciliation/loads/{load.pk}/").content.decode()
    )
    people.client("budi").post(
        f"/reconciliation/loads/{load.pk}/decide/", {"decision": "release", "reason": "the rest came by mail"}
    )
    load.refresh_from_db()
    assert (load.state, load.is_released) == ("reading", True)
    assert load.events.get(verb="release").actor == "user:budi"


@pytest.mark.parametrize("decision", ["release", "reread", "drop"])
def test_nothing_is_decided_without_a_reason(people: World, decision: str) -> None:
    load = loaded(GOOD, stated={"rows": 9})
    people.client("budi").post(
        f"/reconciliation/loads/{load.pk}/decide/", {"decision": decision, "reason": "", "layout": "ho"}
    )
    load.refresh_from_db()
    assert (load.state, load.events.count()) == ("held", 2)


@pytest.mark.parametrize("who", ["sari", "agus", "admin"])
def test_who_may_only_look_decides_and_loads_nothing(people: World, who: str) -> None:
    load = loaded(GOOD, stated={"rows": 9})
    answer = people.client(who).post(
        f"/reconciliation/loads/{load.pk}/decide/", {"decision": "drop", "reason": "because"}
    )
    assert answer.status_code == 403
    assert send(people, GOOD, who=who).status_code == 403
    load.refresh_from_db()
    assert (load.state, Load.objects.count()) == ("held", 1)
    assert "Your decision" not in people.client(who).get(f"/reconciliation/loads/{load.pk}/").content.decode()


def test_the_overview_says_what_is_held_and_how_far_each_feed_is_complete(people: World) -> None:
    make_defaults()
    loaded(HEAD)
    text = people.client("agus").get("/reconciliation/").content.decode()
    assert "The file has a header and no rows." in text
    assert "Never loaded" in text


def test_the_list_of_loads_asks_the_same_number_of_queries_for_one_and_for_many(
    people: World, django_assert_num_queries: Any
) -> None:
    client = people.client("agus")
    for number in range(3):
        loaded(HEAD + f"R-{number},MRG-{number},50000,IDR,2026-11-20\n")
    client.get("/reconciliation/loads/")
    with django_assert_num_queries(10):
        few = client.get("/reconciliation/loads/")
    for number in range(10, 70):
        Load.objects.create(feed=feed_of("ho", "ho"), name=f"{number}.csv", state="loaded", actor="user:budi")
    with django_assert_num_queries(10):
        many = client.get("/reconciliation/loads/")
    assert (len(few.context["rows"]), len(many.context["rows"]), many.context["total"]) == (3, 50, 63)
    rest = client.get(many.context["next_url"])
    assert len(rest.context["rows"]) == 13
    assert not {row.load.pk for row in rest.context["rows"]} & {row.load.pk for row in many.context["rows"]}


def test_no_layout_is_chosen_for_anybody_and_those_used_stand_first(people: World) -> None:
    load, client = loaded(HEAD), people.client("budi")
    page = client.get("/reconciliation/loads/new/")
    shown = page.content.decode()
    assert '<option value="">Choose a layout' in shown
    assert [name for name, _title in page.context["layouts"][0][1]] == ["ho"]
    assert page.context["currencies"][:3] == ["IDR", "AED", "AFN"]
    assert shown.count(" selected>") == 1  # the book
    chosen = client.get(f"/reconciliation/feeds/{load.feed_id}/").content.decode()
    address = "/reconciliation/loads/new/?side=ho&amp;source=ho&amp;layout=ho"
    assert address in chosen
    shown = client.get(address.replace("&amp;", "&")).content.decode()
    assert '<option value="ho" selected>Head Office entries' in shown
    assert "<option selected>ho</option>" in client.get(f"/reconciliation/loads/{load.pk}/").content.decode()


def test_loads_are_filtered_by_state_and_book(people: World) -> None:
    loaded(HEAD)
    loaded(GOOD)
    client = people.client("agus")
    assert [row.load.state for row in client.get("/reconciliation/loads/?state=held").context["rows"]] == ["held"]
    assert client.get("/reconciliation/loads/?side=gateway").context["rows"] == []
