"""Causes of breaks are stored in one language and read in another."""

import pytest
from django.utils import translation

from reconciliation.cause_words import told_cause


@pytest.mark.parametrize(
    ("cause", "english", "indonesian"),
    [
        ("order unknown", "we know no such order", "order itu tidak kami kenal"),
        ("never due: order created", "it was never due: the order is “Created”", "tidak pernah jatuh tempo"),
        ("recorded, not in the book", "Head Office says it has recorded it", "Head Office menyatakan"),
        ("posting due", "the posting is “Not at HO”", "pencatatannya"),
        ("posting unknown: timed out after # s", "the posting is “HO did not answer”: timed out after # s", "# s"),
        ("posting lost: x", "the posting is “lost”: x", "lost"),
        ("something new", "something new", "something new"),
        ("never due: order elsewhere", "never due: order elsewhere", "never due: order elsewhere"),
        ("", "", ""),
    ],
)
def test_a_cause_is_told_in_the_readers_language(cause: str, english: str, indonesian: str) -> None:
    assert told_cause(cause).startswith(english)
    with translation.override("id"):
        assert indonesian in told_cause(cause)


def test_rows_that_nobody_could_read_are_counted_in_the_readers_language() -> None:
    assert told_cause("3 rows of ho.csv", "invalid_row") == "3 rows of ho.csv"
    with translation.override("id"):
        assert told_cause("3 rows of ho.csv", "invalid_row") == "3 baris dari ho.csv"
