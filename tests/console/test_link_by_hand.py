"""Linking lines by hand: what may be linked, who must agree, what the next run makes of it, and taking it back."""

from datetime import timedelta
from typing import Any

import pytest

from reconciliation.models import Break, Entry, HandLink, Match, Run
from reconciliation.services.runs import reconcile, work
from tests.console.people import World
from tests.reconciliation.books import AT, feed, line, load_into

LINK = "/reconciliation/link/"


@pytest.fixture
def lines(db: None) -> dict[str, Entry]:
    """Payments of ours that Head Office has under other names a day later: a small, a large, one that differs."""
    ours = [line(amount, order=f"O{n}", reference=f"O{n}-1", source="midtrans") for n, amount in enumerate(AMOUNTS)]
    next_day = AT + timedelta(days=1)  # or they would be taken for each other's look-alikes
    theirs = [line(amount, order=f"H{n}", occurred_at=next_day) for n, amount in enumerate((70_000, 6_000_000, 39_000))]
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("ho"), theirs)
    assert reconcile().summary["open"] == 6
    return {entry.order_reference: entry for entry in Entry.objects.all()}


AMOUNTS = (70_000, 6_000_000, 40_000)


def post(people: World, lines: dict[str, Entry], mine: str, other: str, who: str = "budi", **more: Any) -> Any:
    form = {"side": "ho", "ours": lines[mine].pk, "theirs": lines[other].pk, "confirmed": "1", "reason": "same ride"}
    return people.client(who).post(LINK, form | more)


def newest_run() -> Run:
    done = work(Run.objects.latest("pk").pk)
    assert done is not None
    assert done.state == "done", done.said
    return done


def test_lines_of_one_sum_are_linked_at_once_and_their_breaks_heal(people: World, lines: dict[str, Entry]) -> None:
    shown = post(people, lines, "O0", "H0", confirmed="")
    assert "It is linked at once" in shown.content.decode()
    assert not HandLink.objects.exists()
    post(people, lines, "O0", "H0")
    made = HandLink.objects.get()
    assert (made.state, made.difference, made.proposer) == ("linked", 0, "user:budi")
    assert newest_run().actor == f"link:{made.pk}"
    assert sorted(Break.objects.filter(state="healed").values_list("key", flat=True)) == ["H0", "O0"]
    page = people.client("agus").get(f"/reconciliation/breaks/{Break.objects.get(key='O0').pk}/")
    assert "a person linked its lines by hand" in page.content.decode()
    people.client("ratna").post(f"/reconciliation/links/{made.pk}/decide/", {"do": "undo", "reason": "wrong ride"})
    newest_run()
    assert Break.objects.filter(state="open").count() == 6
    made.refresh_from_db()
    assert (made.state, Match.objects.exists()) == ("undone", False)


@pytest.mark.parametrize(("ours", "theirs"), [("O1", "H1"), ("O2", "H2")], ids=["much money", "a difference"])
def test_a_second_person_has_to_agree(people: World, lines: dict[str, Entry], ours: str, theirs: str) -> None:
    runs = Run.objects.count()
    post(people, lines, ours, theirs)
    made = HandLink.objects.get()
    address = f"/reconciliation/links/{made.pk}/decide/"
    people.client("budi").post(address, {"do": "approve", "reason": "mine"})
    people.client("ratna").post(address, {"do": "approve", "reason": " "})
    made.refresh_from_db()
    assert (made.state, Run.objects.count(), Match.objects.exists()) == ("proposed", runs, False)
    people.client("ratna").post(address, {"do": "approve", "reason": "seen it"})
    newest_run()
    made.refresh_from_db()
    assert (made.state, made.approver) == ("linked", "user:ratna")
    assert Break.objects.filter(key__in=(ours, theirs), state="open").count() == 0
    people.client("ratna").post(address, {"do": "approve", "reason": "again"})
    assert Match.objects.count() == 1


def test_a_proposal_is_refused_and_its_lines_are_free_again(people: World, lines: dict[str, Entry]) -> None:
    post(people, lines, "O1", "H1")
    post(people, lines, "O1", "H2")
    assert HandLink.objects.count() == 1
    address = f"/reconciliation/links/{HandLink.objects.get().pk}/decide/"
    people.client("ratna").post(address, {"do": "refuse", "reason": "no"})
    post(people, lines, "O1", "H2")
    assert list(HandLink.objects.order_by("pk").values_list("state", flat=True)) == ["refused", "proposed"]
    address = f"/reconciliation/links/{HandLink.objects.latest('pk').pk}/decide/"
    page = people.client("budi").post(address, {"do": "refuse", "reason": "wrong line"}, follow=True).content.decode()
    assert HandLink.objects.latest("pk").state == "withdrawn"
    assert page.count("Proposal taken back") == 2  # the state and the row of its history
    assert "Refused" not in page


@pytest.mark.parametrize(
    "form",
    [{"reason": ""}, {"ours": ""}, {"theirs": "99999999"}, {"side": "gateway"}, {"ours": ["x"]}],
    ids=["no reason", "one book", "no such line", "other books", "no number"],
)
def test_what_cannot_be_linked_is_refused_with_the_search_kept(
    people: World, lines: dict[str, Entry], form: dict[str, Any]
) -> None:
    answer = post(people, lines, "O0", "H0", **form)
    assert answer.status_code == 422
    assert not HandLink.objects.exists()


def test_lines_are_found_by_name_day_amount_and_from_a_break(people: World, lines: dict[str, Entry]) -> None:
    client = people.client("agus")
    day = f"{AT.date()}&to={AT.date() + timedelta(days=1)}"
    for query, ours, theirs in (
        ("", 0, 0),
        ("amount=70000", 0, 0),
        ("q=O0-1", 1, 0),
        ("q=H1", 0, 1),
        (f"from={day}", 3, 3),
        (f"from={day}&amount=70.000", 1, 1),
        (f"from={day}&source=midtrans", 3, 0),
        (f"from={day}&side=gateway", 0, 0),
        (f"from={day}&side=gateway&lines=all", 3, 0),
        (f"break={Break.objects.get(key='O2').pk}", 3, 3),
    ):
        page = client.get(f"{LINK}?{query}")
        assert (len(page.context["ours"]), len(page.context["theirs"])) == (ours, theirs), query


def test_a_break_shows_open_lines_around_its_day_the_nearest_amounts_first(
    people: World, lines: dict[str, Entry]
) -> None:
    post(people, lines, "O0", "H0")
    newest_run()
    page = people.client("budi").get(f"{LINK}?break={Break.objects.get(key='O2').pk}")
    assert [(line.order_reference, ticked) for line, ticked in page.context["ours"]] == [("O2", True), ("O1", False)]
    assert [line.order_reference for line, _ticked in page.context["theirs"]] == ["H2", "H1"]
    assert page.context["first"]["from"] == str(AT.date() - timedelta(days=3))


@pytest.mark.parametrize("who", ["sari", "agus", "admin"])
def test_who_may_only_look_links_nothing(people: World, lines: dict[str, Entry], who: str) -> None:
    assert post(people, lines, "O0", "H0", who=who).status_code == 403
    assert people.client(who).post("/reconciliation/links/1/decide/", {"do": "approve"}).status_code == 403
    assert not HandLink.objects.exists()
