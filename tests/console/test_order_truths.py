"""The panel of truths in words: the first contradiction is the headline, silence is not agreement."""

from typing import Any

import pytest
from django.utils import timezone, translation

from opsconsole.console.order_truths import asked_truths, known_truths
from opsconsole.console.order_verdict import LANGUAGES, Verdict, verdict_of
from opsconsole.console.tones import Tone
from orders.queries.money import money_of
from orders.queries.order_page import rows_of
from orders.services.truths import Answer, Truth
from orders.states import OrderState
from tests.console.order_world import late_order, paid_order, waiting_order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def _truth(**fields: Any) -> Truth:
    given = {"who": "midtrans", "machine": "attempt", "about": "MRG-1-1", "ours": "open", "answer": Answer.SAID}
    return Truth(**{**given, "means": "open", "said": "pending", "asked_at": timezone.now(), **fields})


AGREES = _truth()
PAID = _truth(means="paid", said="settlement", differs=True)
SILENT = _truth(who="ho", machine="posting", ours="", means="", answer=Answer.SILENT, why="timed out")
NOBODY = _truth(answer=Answer.NOT_ASKED)


@pytest.mark.parametrize(
    ("said", "tone", "headline"),
    [
        ([AGREES], Tone.DONE, "Everybody says the same as we do."),
        ([AGREES, SILENT], Tone.FAILED, "Cannot know: Head Office did not answer."),
        ([SILENT, PAID], Tone.ATTENTION, "Midtrans says “Paid”, we say “Waiting for customer”."),
        ([NOBODY], Tone.NEUTRAL, "There is nobody to ask about this order."),
        ([_truth(amount=1, expected=2)], Tone.ATTENTION, "Midtrans reports another sum than ours."),
        (
            [_truth(who="tpg", machine="step", ours="done", means="done", said="completed", differs=True)],
            Tone.ATTENTION,
            "TPG says the trip is over, and we still wait for its end.",
        ),
        (
            [_truth(who="ho", machine="posting", ours="", means="recorded", differs=True)],
            Tone.ATTENTION,
            "Head Office has an entry that nobody here knows of.",
        ),
        (
            [_truth(who="tpg", machine="step", ours="done", means="", answer=Answer.ABSENT, differs=True)],
            Tone.ATTENTION,
            "TPG has never heard of it, and we count on it.",
        ),
    ],
)
def test_the_headline(said: list[Truth], tone: Tone, headline: str) -> None:
    found = asked_truths(rows_of(waiting_order()), said)
    assert (found.tone, found.headline) == (tone, headline)


def test_before_anybody_is_asked_there_is_no_headline_and_the_last_word_stands() -> None:
    found = known_truths(rows_of(late_order()))
    assert (found.headline, found.asked_at) == ("", None)
    assert [(row.who, row.ours, row.said) for row in found.gateways] == [("Midtrans", "paid", "settlement")]


def _verdict(make: Any) -> Verdict:
    rows = rows_of(make())
    return verdict_of(rows, money_of(rows.order, rows.ledger, rows.refunds), None, None)


@pytest.mark.parametrize(
    ("make", "tone"), [(waiting_order, Tone.WAITING), (paid_order, Tone.ACTIVE)], ids=["waiting", "paid"]
)
def test_what_does_not_hang_is_calm(make: Any, tone: Tone) -> None:
    verdict = _verdict(make)
    assert (verdict.tone, verdict.confidence, verdict.step_label, verdict.sureness) == (tone, None, "", "")


def test_the_customer_can_be_told_something_in_both_languages_in_every_state() -> None:
    rows = rows_of(paid_order())
    money = money_of(rows.order, rows.ledger, rows.refunds)
    for state in set(OrderState.values) - {OrderState.PAID_AFTER_CLOSE}:
        rows.order.state = state
        told = dict(verdict_of(rows, money, None, None).in_languages())
        assert set(told) == set(LANGUAGES)
        assert told["id"] != told["en"]


@pytest.mark.parametrize(("confidence", "word"), [(95, "certain"), (80, "likely"), (60, "possible"), (20, "a guess")])
def test_confidence_is_a_word(confidence: int, word: str) -> None:
    assert Verdict(tone=Tone.ATTENTION, title="", text="", confidence=confidence).sureness == word
