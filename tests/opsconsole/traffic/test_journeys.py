from dataclasses import replace
from typing import Any

import pytest

from opsconsole.traffic.agenda import Agenda
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.fates import Fate
from opsconsole.traffic.journeys import Guide, Journey
from opsconsole.traffic.people import person
from opsconsole.traffic.wishes import wish
from tests.opsconsole.traffic.fakes import NotingSandbox, NotingShop, OpenEyes

SEED = 3


def journey(fate: Fate) -> Journey:
    return Journey(wish(7, person=person(7, seed=SEED), seed=SEED, leaning=fate.leaning), fate)


def led(fate: Fate, *, shop: NotingShop | None = None, sandbox: NotingSandbox | None = None) -> tuple[Journey, Any]:
    """One journey to its end, and what was cancelled by staff."""
    cancelled: list[Journey] = []
    one = journey(fate)
    with Agenda(hands=2) as agenda:
        guide = Guide(
            shop or NotingShop(),
            sandbox or NotingSandbox(),  # type: ignore[arg-type]
            agenda,
            OpenEyes(),
            cancelled.append,
            look_every=0.02,
        )
        guide.begin(one)
        assert agenda.wait_until_empty(seconds=20)
    return one, cancelled


@pytest.mark.parametrize(
    ("_case", "name", "expected"),
    [
        ("pays", "plain", [("pay", "MRG-7")]),
        ("lets it lapse", "lapses", [("pick", "MRG-7"), ("expire", "MRG-7")]),
        ("cancels", "cancels", []),
        ("pays what was closed", "paid_late", [("pick", "MRG-7"), ("pay", "MRG-7")]),
        (
            "pays twice",
            "paid_twice",
            [("fail", "MRG-7"), ("pay", "MRG-7"), ("pay", "MRG-7-1")],
        ),
        ("takes it back", "taken_back", [("pay", "MRG-7"), ("reverse", "MRG-7")]),
        ("has nothing to pay by", "link_refused", []),
    ],
)
def test_a_customer_does_what_their_fate_says(_case: str, name: str, expected: list[tuple[str, str]]) -> None:
    sandbox = NotingSandbox()

    one, _staff = led(FATES[name], sandbox=sandbox)

    assert sandbox.paid == expected
    assert one.ended


def test_who_pays_late_has_cancelled_before() -> None:
    shop = NotingShop()

    led(FATES["paid_late"], shop=shop)

    assert shop.cancelled == ["MRG-7"]


def test_staff_cancels_once_the_trip_is_under_way() -> None:
    one, cancelled = led(FATES["large_refund"])

    assert cancelled == [one]


def test_the_sandbox_is_told_of_the_trouble_before_the_customer_pays() -> None:
    sandbox = NotingSandbox()

    led(FATES["ho_refuses"], sandbox=sandbox)

    assert [(what, given.get("neighbour")) for what, _reference, given in sandbox.told] == [
        ("plan", "ho"),
        ("pay", None),
    ]


def test_a_trouble_of_the_partner_is_told_of_the_partner_of_the_item() -> None:
    sandbox = NotingSandbox()
    fate = replace(FATES["partner_refuses"], leaning=FATES["undo_refused"].leaning)

    led(fate, sandbox=sandbox)

    assert sandbox.told[0][2]["neighbour"] == "rent"


def test_too_little_is_paid_by_so_much() -> None:
    sandbox = NotingSandbox()

    one, _staff = led(FATES["paid_short"], sandbox=sandbox)

    assert one.placed is not None
    assert sandbox.told[0][2]["amount"] == one.placed.amount - FATES["paid_short"].short


def test_a_shop_that_is_away_is_asked_again_and_told_so() -> None:
    shop = NotingShop(away=2)

    one, _staff = led(FATES["plain"], shop=shop)

    assert shop.asked_again == [False, True, True]
    assert one.placed is not None


def test_a_link_that_comes_later_is_waited_for() -> None:
    one, _staff = led(FATES["plain"], shop=NotingShop(has_link=False))

    assert one.had_link


def test_a_page_that_is_closed_ends_the_journey() -> None:
    one, _staff = led(FATES["plain"], sandbox=NotingSandbox(refuses=True))

    assert one.ended
