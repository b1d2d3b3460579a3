"""Work done side by side: the answers in the order of the rows, and no row left out for another's fault."""

import threading

import pytest
from django.test import override_settings

from orders import crew

ROWS = range(50)


def test_answers_come_in_the_order_of_the_rows() -> None:
    assert crew.each(lambda row: row * row, ROWS) == [row * row for row in ROWS]


@override_settings(WORK_THREADS=4)
def test_rows_are_worked_on_side_by_side() -> None:
    together = threading.Barrier(4)
    assert crew.each(lambda row: (together.wait(10), row)[1], range(8), crew="barrier") == list(range(8))


def test_the_first_fault_is_raised_after_all_rows_had_their_turn() -> None:
    seen: list[int] = []

    def work(row: int) -> None:
        seen.append(row)
        if row in (7, 31):
            raise ValueError(str(row))

    with pytest.raises(ValueError, match=r"^7$"):
        crew.each(work, ROWS)
    assert sorted(seen) == list(ROWS)
