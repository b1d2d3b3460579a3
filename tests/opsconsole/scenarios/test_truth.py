import json
from pathlib import Path
from typing import Any

import pytest

from opsconsole.scenarios.truth import Truth, read, truths, unheard_ends, write
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.journeys import Journey
from opsconsole.traffic.people import person
from opsconsole.traffic.shops import Placed
from opsconsole.traffic.wishes import wish


class Books:
    """A sandbox of which only the books are read."""

    def __init__(self, *callbacks: dict[str, Any]) -> None:
        self._callbacks = list(callbacks)

    def books(self, neighbour: str, *, since: int = 0) -> dict[str, Any]:
        return {"callbacks": self._callbacks if neighbour == "tpg" else []}


def told(event: str, state: str, *, order: str = "MRG-1", booking: str = "TPG-1") -> dict[str, Any]:
    return {"state": state, "body": json.dumps({"event": event, "order_ref": order, "booking_id": booking})}


def journey(name: str, *, had_link: bool = True) -> Journey:
    fate = FATES[name]
    placed = Placed("MRG-1", 50_000, has_link=had_link)
    return Journey(wish(1, person=person(1, seed=1), seed=1, leaning=fate.leaning), fate, 0.0, placed, 0, had_link)


@pytest.mark.parametrize(
    ("_case", "name", "callbacks", "cause"),
    [
        ("nothing wrong", "plain", [told("completed", "delivered")], None),
        ("the fate says why", "ho_refuses", [told("completed", "delivered")], "ho_rejected"),
        ("its end was never heard of", "plain", [told("completed", "given_up")], "trip_end_missing"),
        (
            "nor that the driver cancelled",
            "driver_cancels",
            [told("cancelled_by_driver", "given_up")],
            "trip_end_missing",
        ),
        ("what comes after the end cannot come", "ho_silent", [told("completed", "dropped")], "trip_end_missing"),
        ("what came before stays", "paid_short", [told("completed", "given_up")], "amount_mismatch"),
        ("other events do not matter", "plain", [told("picked_up", "given_up")], None),
    ],
)
def test_the_books_of_the_partners_decide_what_the_fate_leaves_open(
    _case: str, name: str, callbacks: list[dict[str, Any]], cause: str | None
) -> None:
    assert truths([journey(name)], Books(*callbacks)) == [  # type: ignore[arg-type]
        Truth("MRG-1", hanging=cause is not None, cause=cause, amount=50_000)
    ]


def test_an_end_that_was_heard_once_is_heard() -> None:
    books = Books(told("completed", "given_up"), told("completed", "delivered"))

    assert unheard_ends(books) == frozenset()  # type: ignore[arg-type]


def test_of_two_trips_of_an_order_each_must_be_heard_of() -> None:
    books = Books(told("completed", "delivered"), told("completed", "given_up", booking="TPG-2"))

    assert unheard_ends(books) == {"MRG-1"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "cause"), [("callback_lost", "payment_unknown"), ("link_refused", "link_never_made"), ("plain", None)]
)
def test_who_never_had_a_link_cannot_have_paid(name: str, cause: str | None) -> None:
    [found] = truths([journey(name, had_link=False)], Books())  # type: ignore[arg-type]

    assert found.cause == cause


def test_an_order_that_was_never_placed_is_not_in_the_truth() -> None:
    one = journey("plain")
    one.placed = None

    assert truths([one], Books()) == []  # type: ignore[arg-type]


def test_the_file_has_one_line_an_order(tmp_path: Path) -> None:
    known = [Truth("MRG-1", hanging=True, cause="ho_rejected", amount=5), Truth("MRG-2", False, None, 7)]

    write(tmp_path / "truth.jsonl", known)

    assert read(tmp_path / "truth.jsonl") == known
    first = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[0])
    assert first == {"order_id": "MRG-1", "hanging": True, "cause": "ho_rejected", "amount": 5}
