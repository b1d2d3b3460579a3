"""A file is taken in whole or held by one clear sentence; a row that cannot be read stops nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from orders.errors import NotAllowed, StaleState
from reconciliation.holds import told
from reconciliation.layouts import LayoutRefused, builtin
from reconciliation.models import Entry, Load, LoadEvent
from reconciliation.reading import Problem
from reconciliation.services import layouts, loading, loads
from reconciliation.services.feeds import feed_of
from reconciliation.states import FeedHealth, LoadState

pytestmark = pytest.mark.django_db
HEAD = "entry_ref,entry_id,order_ref,kind,amount,currency,occurred_at\n"
Loaded = Callable[..., Load]


def row(number: int, amount: int = 50_000, *, currency: str = "IDR", day: int = 20) -> str:
    return f"R-{number},HO-{number},MRG-{number},payment,{amount},{currency},2026-11-{day}T10:00:00+07:00\n"


@pytest.fixture
def loaded() -> Loaded:
    def load(text: str, *, layout: str = "ho", side: str = "ho", source: str = "ho", **options: Any) -> Load:
        received = loading.receive(
            [text.encode()], feed=feed_of(side, source), name="entries.csv", layout=layout, actor="user:budi", **options
        )
        return loading.work(received.pk) or received

    return load


def codes(load: Load) -> list[str]:
    return [problem["code"] for problem in load.problems]


def test_a_file_is_taken_in_with_its_counts_sums_and_history(loaded: Loaded) -> None:
    load = loaded(HEAD + row(1) + row(2, 75_000) + "R-3,HO-3,MRG-3,payment,abc,IDR,2026-11-20\n")
    assert (load.state, load.read, load.new, load.known, load.quarantined) == (LoadState.LOADED, 3, 2, 0, 1)
    assert load.totals == {"IDR": [2, 125_000]}
    assert [(each.line, each.reason) for each in load.quarantine.all()] == [(4, "“abc” is not an amount in IDR")]
    assert [event.verb for event in load.events.order_by("id")] == ["receive", "load"]


def test_the_same_file_twice_adds_nothing(loaded: Loaded) -> None:
    text = HEAD + row(1) + row(2)
    loaded(text)
    again = loaded(text)
    assert (again.state, again.new, again.known) == (LoadState.LOADED, 0, 2)
    assert Entry.objects.count() == 2


def test_genuine_twins_both_survive_and_only_once(loaded: Loaded) -> None:
    text = HEAD + row(1) + row(1)
    assert loaded(text).new == 2
    assert loaded(text).new == 0
    assert sorted(Entry.objects.values_list("occurrence", flat=True)) == [1, 2]


def test_a_load_pins_the_version_of_its_layout(loaded: Loaded) -> None:
    first = layouts.save("ours", builtin("ho"), actor="user:budi")
    load = loaded(HEAD + row(1), layout="ours")
    layouts.save("ours", replace(builtin("ho"), zone="UTC"), actor="user:budi")
    load.refresh_from_db()
    assert (load.layout, load.mapping) == ("ours@1", first.data)
    assert layouts.find("ours")[0] == "ours@2"
    assert layouts.find("ours@1")[1].zone == "Asia/Jakarta"


def test_a_version_of_a_layout_cannot_be_changed_or_deleted_even_in_the_database() -> None:
    layouts.save("ours", builtin("ho"), actor="user:budi")
    for statement in ("UPDATE reconciliation_layoutversion SET number = 9", "DELETE FROM reconciliation_layoutversion"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_version_that_somebody_saved_meanwhile_is_not_passed_over() -> None:
    layouts.save("ours", builtin("ho"), actor="user:budi", expected=0)
    with pytest.raises(NotAllowed):
        layouts.save("ours", builtin("ho"), actor="user:ratna", expected=0)
    assert layouts.find("ours")[0] == "ours@1"


BIG = HEAD + "".join(row(number) for number in range(30))
HELD = [
    ("wrong header", "a,b,c\n1,2,3\n", {}, "header"),
    ("no rows", HEAD, {}, "no_rows"),
    ("no money", HEAD + "R-1,H,M,skip,1,IDR,2026-11-20\n", {"layout": "nothing"}, "nothing"),
    ("mostly unreadable", HEAD + row(1) + "x,x,x,payment,x,IDR,x\n" * 2, {}, "mostly_unreadable"),
    ("total in the file", HEAD + row(1) + "Total,,,,60000,IDR,\n", {}, "total"),
    ("total without a currency", HEAD + row(1) + "Total,,,,60000,,\n", {}, "total"),
    ("total that was stated", HEAD + row(1), {"stated": {"amounts": {"IDR": 1}}}, "stated_total"),
    ("rows that were stated", HEAD + row(1), {"stated": {"rows": 2}}, "stated_lines"),
    ("another currency than stated", HEAD + row(1, currency="USD"), {"currency": "IDR"}, "other_currency"),
]


@pytest.mark.parametrize(("_case", "text", "options", "code"), HELD, ids=[case[0] for case in HELD])
def test_a_doubtful_file_is_held_by_one_sentence_and_nothing_is_taken(
    loaded: Loaded, _case: str, text: str, options: dict[str, Any], code: str
) -> None:
    layouts.save("nothing", replace(builtin("ho"), kinds={"skip": "skip"}), actor="user:budi")
    load = loaded(text, **options)
    assert (load.state, codes(load)) == (LoadState.HELD, [code])
    sentence = told(Problem(**load.problems[0]))
    assert sentence.endswith(".")
    assert "%(" not in sentence
    assert (Entry.objects.count(), load.new, load.totals) == (0, 0, {})
    load.feed.refresh_from_db()
    assert (load.feed.health, load.feed.complete_up_to) == (FeedHealth.BROKEN, None)


def test_a_total_line_that_agrees_is_remembered_and_holds_nothing(loaded: Loaded) -> None:
    load = loaded(HEAD + row(1) + row(2, 25_000) + "Total,,,,75000,IDR,\n")
    assert (load.state, load.control, load.read) == (LoadState.LOADED, {"IDR": [None, 75_000]}, 2)


def test_a_currency_that_the_book_has_never_had_is_held(loaded: Loaded) -> None:
    loaded(HEAD + row(1))
    load = loaded(HEAD + row(2) + row(3, currency="USD"))
    assert (load.state, codes(load)) == (LoadState.HELD, ["mixed_currency"])


@pytest.mark.parametrize("factor", [10, 100, 0.1])
def test_amounts_that_are_usual_times_ten_are_held(loaded: Loaded, factor: float) -> None:
    loaded(BIG)
    text = HEAD + "".join(row(number, int(50_000 * factor)) for number in range(100, 130))
    load = loaded(text)
    assert (load.state, codes(load)) == (LoadState.HELD, ["unusual"])


def test_amounts_that_are_twice_the_usual_are_not_held(loaded: Loaded) -> None:
    loaded(BIG)
    load = loaded(HEAD + "".join(row(number, 100_000) for number in range(100, 130)))
    assert load.state == LoadState.LOADED


def test_a_file_that_is_none_is_refused_for_good(loaded: Loaded) -> None:
    load = loaded("")
    assert (load.state, load.reason) == (LoadState.REFUSED, "The file is empty.")
    with pytest.raises(StaleState):
        loads.release(load.pk, actor="user:budi", reason="because")


def test_a_person_releases_a_held_load_with_a_reason(loaded: Loaded) -> None:
    load = loaded(HEAD + row(1), stated={"rows": 2})
    with pytest.raises(NotAllowed):
        loads.release(load.pk, actor="user:budi", reason=" ")
    loads.release(load.pk, actor="user:budi", reason="the second row was cancelled")
    released = loading.work(load.pk)
    assert released is not None
    assert (released.state, released.new, released.is_released) == (LoadState.LOADED, 1, True)
    event = released.events.get(verb="release")
    assert (event.actor, event.reason) == ("user:budi", "the second row was cancelled")


def test_what_has_the_wrong_header_cannot_be_released_but_read_by_another_layout(loaded: Loaded) -> None:
    text = "Order ID,Amount,Currency,Settlement time,Status\nA-1,50000,IDR,2026-11-20 10:00:00,settlement\n"
    load = loaded(text, layout="xendit", side="gateway", source="midtrans")
    with pytest.raises(NotAllowed):
        loads.release(load.pk, actor="user:budi", reason="because")
    loads.reread(load.pk, layout="midtrans", actor="user:budi", reason="chose the wrong layout")
    again = loading.work(load.pk)
    assert again is not None
    assert (again.state, again.layout, again.new, codes(again)) == (LoadState.LOADED, "midtrans", 1, [])


def test_a_held_load_that_is_thrown_away_stays_away(loaded: Loaded) -> None:
    load = loaded(HEAD)
    loads.drop(load.pk, actor="user:budi", reason="an empty day")
    assert loading.work(load.pk) is None
    load.refresh_from_db()
    assert (load.state, Entry.objects.count()) == (LoadState.DROPPED, 0)
    with pytest.raises(StaleState):
        loads.release(load.pk, actor="user:budi", reason="after all")


def test_a_load_that_was_taken_in_is_not_worked_on_again(loaded: Loaded) -> None:
    load = loaded(HEAD + row(1))
    assert loading.work(load.pk) is None
    assert LoadEvent.objects.filter(load=load).count() == 2


def test_the_watermark_moves_to_the_end_of_a_finished_day_and_never_back(loaded: Loaded) -> None:
    assert loaded(HEAD + row(1, day=20)).feed.complete_up_to == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert loaded(HEAD + row(2, day=21)).feed.complete_up_to == datetime(2026, 11, 21, 17, tzinfo=UTC)
    assert loaded(HEAD + row(3, day=18)).feed.complete_up_to == datetime(2026, 11, 21, 17, tzinfo=UTC)


def test_a_file_after_a_gap_leaves_the_watermark_where_it_is(loaded: Loaded) -> None:
    loaded(HEAD + row(1, day=20))
    assert loaded(HEAD + row(2, day=23)).feed.complete_up_to == datetime(2026, 11, 20, 17, tzinfo=UTC)


def test_no_layout_of_that_name_leaves_nothing_behind(loaded: Loaded) -> None:
    with pytest.raises(LayoutRefused):
        loaded(HEAD, layout="nobody")
    assert Load.objects.count() == 0


# The command.


def run(path: Path, *options: str) -> str:
    from io import StringIO

    out = StringIO()
    call_command("load_book", str(path), *options, stdout=out)
    return out.getvalue()


def test_the_command_tells_what_it_did(tmp_path: Path) -> None:
    path = tmp_path / "entries.csv"
    path.write_text(HEAD + row(1) + row(2) + "R-3,HO-3,MRG-3,payment,abc,IDR,2026-11-20\n")
    said = run(path, "--side", "ho")
    assert "3 rows read; 2 lines new, 0 known, 1 rows in quarantine; 100000 IDR in 2 lines" in said
    assert "row 4: “abc” is not an amount in IDR" in said


@pytest.mark.parametrize(
    ("_case", "text", "options", "code"),
    [
        ("held", HEAD, [], 1),
        ("refused", "", [], 2),
        ("no such layout", HEAD, ["--layout", "nobody"], 2),
        ("no such currency", HEAD, ["--currency", "XYZ"], 2),
    ],
)
def test_the_command_ends_with_a_code_for_scripts(
    tmp_path: Path, _case: str, text: str, options: list[str], code: int
) -> None:
    path = tmp_path / "entries.csv"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        run(path, "--side", "ho", *options)
    assert caught.value.returncode == code


def test_the_command_lays_a_mapping_over_the_layout_and_takes_in_what_is_released(tmp_path: Path) -> None:
    path, mapping = tmp_path / "entries.csv", tmp_path / "own.toml"
    path.write_text("Beleg;Summe;Tag\nA-1;1.250,50;20.11.2026\n")
    mapping.write_text(
        'decimal_mark = ","\ntimes = ["%d.%m.%Y"]\n[columns]\nreference = ["Beleg"]\namount = ["Summe"]\n'
        'occurred_at = ["Tag"]\n'
    )
    options = ("--side", "ho", "--mapping", str(mapping), "--currency", "EUR", "--rows", "5", "--release", "a trial")
    assert "1250.50 EUR in 1 lines" in run(path, *options)
