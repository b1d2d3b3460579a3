"""Two people, or a person and a load, at the same day at the same moment, each on a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from orders.errors import Refusal
from reconciliation.models import CarriedLine, Day, DayEvent, Entry
from reconciliation.services import bridges, closing
from tests.reconciliation.books import feed, line, load_into
from tests.reconciliation.test_bridges import DAY
from tests.reconciliation.test_closing import BUDI, RATNA, agreed, closed, signed

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[str]:
    """Each in a thread; "done", or what was said."""

    def one(work: Callable[[], Any]) -> str:
        try:
            work()
        except Refusal as refusal:
            return str(refusal)
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(one, works))


def test_of_two_who_do_the_same_one_comes_second() -> None:
    agreed()
    digest = bridges.refresh(DAY).digest
    moved_on = "The day has moved on: nothing was done."
    said = at_once(*(lambda who=who: closing.sign(DAY, digest=digest, actor=who) for who in (BUDI, RATNA)))
    assert said == [moved_on, "done"]
    said = at_once(*(lambda who=who: closing.lock(DAY, actor=who) for who in (BUDI, RATNA)))
    assert said == [moved_on, "done"]
    said = at_once(*(lambda who=who: closing.ask_reopen(DAY, actor=who, reason="again") for who in (BUDI, RATNA)))
    assert said == [moved_on, "done"]
    assert list(DayEvent.objects.order_by("pk").values_list("verb", flat=True)) == ["sign", "lock", "ask_reopen"]


def test_a_line_that_comes_while_the_day_is_locked_is_inside_or_carried_and_never_lost() -> None:
    agreed()
    signed()
    said = at_once(
        lambda: closing.lock(DAY, actor=BUDI),
        lambda: load_into(feed("ho"), [line(5, order="Z")]),
    )
    day = Day.objects.get(date=DAY)
    late = Entry.objects.get(order_reference="Z")
    bridges.refresh(DAY)
    if day.state == "locked":
        assert said == ["done", "done"]
        assert late.pk > day.up_to_entry
        assert CarriedLine.objects.get().entry == late.pk
    else:
        assert said == ["The books have changed since the signature. Take it back, look, and sign again.", "done"]
        assert not CarriedLine.objects.exists()


def test_reopening_and_keeping_at_once_does_one_of_them() -> None:
    agreed()
    closed()
    closing.ask_reopen(DAY, actor=BUDI, reason="look again")
    said = at_once(
        lambda: closing.reopen(DAY, actor=RATNA, reason="yes"),
        lambda: closing.keep_locked(DAY, actor="user:agus", reason="no"),
    )
    assert said == ["The day has moved on: nothing was done.", "done"]
