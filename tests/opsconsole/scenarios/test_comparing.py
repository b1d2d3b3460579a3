from datetime import timedelta

import pytest
from django.utils import timezone

from opsconsole.scenarios.comparing import NOT_FOUND, compare, weighed
from opsconsole.scenarios.truth import Truth
from tests.orders.making import make_order

TRUTHS = [
    Truth("A", hanging=True, cause="ho_rejected", amount=1),
    Truth("B", hanging=True, cause="ho_rejected", amount=1),
    Truth("C", hanging=True, cause="callback_lost", amount=1),
    Truth("D", hanging=False, cause=None, amount=1),
]


def test_everything_right_is_one_everywhere() -> None:
    found = weighed(TRUTHS, {"A": "ho_rejected", "B": "ho_rejected", "C": "callback_lost"})

    assert (found.recall, found.precision, found.cause_accuracy) == (1.0, 1.0, 1.0)
    assert (found.missed, found.wrong) == ([], [])


def test_what_was_not_found_counts_against_recall_only() -> None:
    found = weighed(TRUTHS, {"A": "ho_rejected", "C": "callback_lost"})

    assert found.recall == pytest.approx(2 / 3)
    assert (found.precision, found.cause_accuracy) == (1.0, 1.0)
    assert found.missed == ["B"]
    assert found.confusion["ho_rejected"] == {"ho_rejected": 1, NOT_FOUND: 1}


def test_what_does_not_hang_counts_against_precision() -> None:
    found = weighed(TRUTHS, {"A": "ho_rejected", "B": "ho_rejected", "C": "callback_lost", "D": "unexplained"})

    assert found.precision == pytest.approx(3 / 4)
    assert found.wrong == ["D"]


def test_a_wrong_cause_is_shown_with_its_orders() -> None:
    found = weighed(TRUTHS, {"A": "ho_unanswered", "B": "ho_rejected", "C": "callback_lost"})

    assert found.cause_accuracy == pytest.approx(2 / 3)
    assert found.examples == {"ho_rejected: ho_unanswered": ["A"]}
    assert found.as_json()["confusion"]["ho_rejected"] == {"ho_unanswered": 1, "ho_rejected": 1}


def test_an_empty_truth_is_no_division_by_zero() -> None:
    assert weighed([], {}).as_json()["recall"] == 1.0


@pytest.mark.django_db
def test_the_console_is_asked_and_strangers_do_not_count() -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    ours = make_order("created", since=long_ago)
    make_order("created", since=long_ago)
    fresh = make_order("created")
    truths = [
        Truth(ours.public_id, hanging=True, cause="link_never_made", amount=1),
        Truth(fresh.public_id, hanging=False, cause=None, amount=1),
    ]

    found = compare(truths)

    assert (found.found, found.right, found.wrong) == (1, 1, [])


@pytest.mark.django_db
def test_ages_may_be_those_of_a_later_time() -> None:
    fresh = make_order("created")
    truths = [Truth(fresh.public_id, hanging=True, cause="link_never_made", amount=1)]

    assert compare(truths).found == 0
    assert compare(truths, as_of=timezone.now() + timedelta(hours=2)).found == 1
