"""Every kind of wrong that the oracle knows is found where it is, and nowhere else."""

from typing import Any

import pytest

from opsconsole.chaos.findings import SAFETY
from opsconsole.chaos.safety import Safety
from tests.opsconsole.chaos.evidences import (
    ORDER,
    attempt,
    booking,
    callback,
    charged,
    entry,
    evidence,
    ledger,
    order,
    refund,
    refunded,
    tables,
)

EDGE = {"machine": "order", "subject_id": 1, "order_id": 1}
BACK = {"effects": {"midtrans": [charged(), refunded()]}}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("order lost", "not in the table", {"tables": tables(orders=[], attempts=[]), "effects": {}, "bookings": []}),
    ("order doubled", "twice in the table", {"tables": tables(orders=[order(), order(id=2, public_id="MRG-2")])}),
    ("callback lost", "not stored", {"tables": tables(inbound=[])}),
    ("callback lost", "another message in its place", {"callbacks": [callback(), callback(body="{}")]}),
    ("charged but unexplained", "not in the ledger", {"tables": tables(ledger=[])}),
    ("charged but unexplained", "an attempt nobody made", {"effects": {"midtrans": [charged(), charged(1, "X-1")]}}),
    ("charged but unexplained", "only in the ledger", {"effects": {}, "bookings": []}),
    (
        "refunded twice",
        "more than anybody asked for",
        {
            "effects": {"midtrans": [charged(), refunded(20_000), refunded(20_000)]},
            "tables": tables(refunds=[refund(amount=20_000)], ledger=[ledger(10_000)]),
        },
    ),
    (
        "refunded twice",
        "two for one cause",
        {
            "effects": {"midtrans": [charged(), refunded(10_000), refunded(10_000)]},
            "tables": tables(
                refunds=[refund(amount=10_000), refund(id=2, key="rf-2", amount=10_000)], ledger=[ledger(30_000)]
            ),
        },
    ),
    ("booked twice", "two live bookings of one item", {"bookings": [booking(), booking("assigned", "again")]}),
    (
        "booked and refunded",
        "all went back",
        {
            **BACK,
            "tables": tables(refunds=[refund()], ledger=[ledger(), ledger(-50_000, "refunded")]),
        },
    ),
    ("booked unpaid", "nothing charged", {"effects": {}, "tables": tables(ledger=[])}),
    ("wrong amount", "another than agreed", {"tables": tables(orders=[order(amount=49_000)])}),
    ("wrong amount", "two entries", {"effects": {"midtrans": [charged()], "ho": [entry(), entry()]}}),
    ("wrong amount", "Head Office has less", {"effects": {"midtrans": [charged()], "ho": [entry(45_000)]}}),
    ("illegal edge", "not in the table", {"illegal": [{**EDGE, "source": "completed", "verb": "x", "target": "paid"}]}),
    ("illegal edge", "staff's edge", {"not_theirs": [{**EDGE, "source": "active", "verb": "cancel"}]}),
    ("illegal edge", "a jump", {"jumps": [{**EDGE, "before": "paid", "source": "created", "verb": "pay"}]}),
    ("illegal edge", "written past it", {"astray": [{**EDGE, "state": "paid", "target": "created"}]}),
    ("history broken", "a gap", {"gaps": [{"order_id": 1, "rows": 3, "last": 4}]}),
]


def test_an_order_that_went_well_shows_nothing() -> None:
    assert list(Safety(evidence()).findings()) == []


@pytest.mark.parametrize(("kind", "_case", "spoiled"), CASES)
def test_each_wrong_is_found(kind: str, _case: str, spoiled: dict[str, Any]) -> None:
    assert kind in {each.kind for each in Safety(evidence(**spoiled)).findings()}


def test_every_kind_has_a_case() -> None:
    assert {kind for kind, _case, _spoiled in CASES} == set(SAFETY)


@pytest.mark.parametrize(
    ("_case", "spoiled"),
    [
        (
            "a message that was refused may be gone",
            {"callbacks": [callback(), callback(body="x", answers=[503, None])]},
        ),
        ("a cancelled booking and a second one", {"bookings": [booking("cancelled", "first"), booking()]}),
        (
            "a part went back, booked and at Head Office",
            {
                "effects": {"midtrans": [charged(), refunded(5_000)], "ho": [entry(), entry(5_000, "refund")]},
                "tables": tables(refunds=[refund(amount=5_000)], ledger=[ledger(), ledger(-5_000, "refunded")]),
            },
        ),
        (
            "all went back and nothing is booked",
            {
                "effects": {"midtrans": [charged(), refunded()]},
                "bookings": [booking("cancelled")],
                "tables": tables(
                    orders=[order(state="failed")],
                    refunds=[refund()],
                    ledger=[ledger(), ledger(-50_000, "refunded")],
                    postings=[],
                ),
            },
        ),
        (
            "a second attempt that nobody paid",
            {"tables": tables(attempts=[attempt(), attempt(id=2, reference="MRG-1-2", state="expired")])},
        ),
    ],
)
def test_what_may_happen_is_not_called_wrong(_case: str, spoiled: dict[str, Any]) -> None:
    assert list(Safety(evidence(**spoiled)).findings()) == []


def test_a_finding_names_the_order_and_says_what() -> None:
    (found,) = Safety(evidence(bookings=[booking(), booking("booked", "again")])).findings()

    assert (found.kind, found.subject) == ("booked twice", ORDER)
    assert found.what == "item 1 at tpg: 2 live bookings"
    assert found.is_safety
