"""Closing a day: what stands in the way, who may do what, and what comes late."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from orders.errors import NotAllowed
from reconciliation import business_day
from reconciliation.models import Break, CarriedLine, Day, DayEvent, DayFigure, DayItem, Entry
from reconciliation.services import bridges, closing
from reconciliation.services.runs import reconcile
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_bridges import DAY, books, paid, steps

pytestmark = pytest.mark.django_db
BUDI, RATNA = "user:budi", "user:ratna"
TODAY = business_day.of(AT + timedelta(days=7))


def agreed() -> None:
    books([paid(100, "A")], [paid(100, "A")], [line(100, order="A")])


def signed(reason: str = "", on: date = DAY) -> Day:
    return closing.sign(on, digest=bridges.refresh(on).digest, actor=BUDI, reason=reason)


def closed(reason: str = "") -> Day:
    signed(reason)
    return closing.lock(DAY, actor=BUDI)


def test_a_day_is_signed_locked_and_its_history_says_by_whom() -> None:
    agreed()
    day = closed()
    assert (day.state, day.signed_by, day.locked_by) == ("locked", BUDI, BUDI)
    assert [(event.verb, event.actor) for event in day.events.order_by("pk")] == [("sign", BUDI), ("lock", BUDI)]
    assert len(day.digest) == len(day.lines_digest) == 64
    assert closing.is_unchanged(day)
    Entry.objects.filter(side="ho").update(amount=101)
    assert not closing.is_unchanged(day)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (lambda: feed("ho", complete_up_to=AT), "Not complete to the end of the day: Head Office."),
        (lambda: load_into(feed("ho"), [line(5, order="Z")]), "Lines that no run has compared yet: 1."),
    ],
    ids=["feed", "run"],
)
def test_a_day_is_not_signed_while_something_is_not_known(trouble: Any, said: str) -> None:
    agreed()
    trouble()
    with pytest.raises(NotAllowed, match=said):
        signed()
    assert Day.objects.get().state == "open"


def test_a_day_that_is_not_over_is_not_signed() -> None:
    agreed()
    with pytest.raises(NotAllowed, match="The day must be over"):
        signed(on=TODAY + timedelta(days=1))


def test_a_day_of_a_demo_is_over_with_its_last_payment(settings: Any) -> None:
    agreed()
    day, before = bridges.refresh(DAY), AT - timedelta(seconds=1)
    feed("ho", complete_up_to=AT)
    assert [check.holds for check in closing.checks(day, now=AT)[:2]] == [False, False]
    settings.SIGN_EARLY = True
    assert [check.holds for check in closing.checks(day, now=AT)[:2]] == [True, True]
    feed("ho", complete_up_to=before)
    assert [check.holds for check in closing.checks(day, now=before)[:2]] == [False, False]


def test_what_nobody_can_name_is_never_signed() -> None:
    """A line that vanishes from its book leaves the other one without a counterpart, and no run has said so."""
    agreed()
    Entry.objects.filter(side="ho").delete()
    assert steps()["to_ho", "unexplained"] == -100
    with pytest.raises(NotAllowed, match="Unexplained: Rp 100"):
        signed()


def test_open_breaks_are_carried_with_a_reason_and_only_up_to_a_limit(settings: Any) -> None:
    books([paid(100, "A"), paid(70, "B")], [paid(100, "A"), paid(70, "B")], [line(100, order="A")])
    with pytest.raises(NotAllowed, match="Say why"):
        signed()
    settings.CARRY_LIMIT = 69
    with pytest.raises(NotAllowed, match="Open breaks: Rp 70"):
        signed("HO looks for it")
    settings.CARRY_LIMIT = 70
    assert signed("HO looks for it").note == "HO looks for it"


def test_only_what_was_read_is_signed_and_only_what_was_signed_is_locked() -> None:
    agreed()
    read = bridges.refresh(DAY).digest
    load_into(feed("ho"), [line(5, order="Z")])
    reconcile()
    with pytest.raises(NotAllowed, match="changed since you looked"):
        closing.sign(DAY, digest=read, actor=BUDI)
    signed("one stray entry")
    Break.objects.update(state="resolved")
    with pytest.raises(NotAllowed, match="The books have changed since the signature"):
        closing.lock(DAY, actor=BUDI)
    again = closing.unsign(DAY, actor=RATNA, reason="it was decided meanwhile")
    assert closing.sign(DAY, digest=again.digest, actor=BUDI).state == "signed"  # its figures are today's at once
    assert closing.lock(DAY, actor=BUDI).state == "locked"


def test_what_comes_late_is_carried_by_name_and_the_closed_day_stays_as_it_is() -> None:
    books([paid(100, "A"), paid(70, "B")], [paid(100, "A"), paid(70, "B")], [line(100, order="A")])
    day = closed("HO looks for B")
    before = list(DayFigure.objects.filter(day=day).values_list("book", "step", "amount"))
    load_into(feed("ho"), [line(70, order="B")])
    reconcile()
    assert Break.objects.get().state == "healed"
    assert steps(TODAY) == {("to_ho", "carried"): 70, ("ho", "total"): 70}
    late = CarriedLine.objects.get()
    assert (late.from_day, late.to_day) == (DAY, TODAY)
    item = DayItem.objects.get(step="carried")
    assert (item.name, item.carried_from) == ("B", DAY)
    bridges.refresh(DAY)
    assert list(DayFigure.objects.filter(day=day).values_list("book", "step", "amount")) == before
    assert closing.is_unchanged(day)


def test_a_late_line_whose_day_is_closed_too_goes_to_the_next_that_is_open() -> None:
    agreed()
    closed()
    Day.objects.create(date=TODAY, state="locked", up_to_entry=10**12)
    load_into(feed("ho"), [line(5, order="Z")])
    bridges.refresh(TODAY + timedelta(days=1))
    assert CarriedLine.objects.get().to_day == TODAY + timedelta(days=1)


def test_reopening_needs_a_second_person_and_brings_late_lines_home() -> None:
    agreed()
    closed()
    load_into(feed("ho"), [line(5, order="Z")])
    reconcile()
    assert steps(TODAY, "")["ho", "total"] == 5
    closing.ask_reopen(DAY, actor=BUDI, reason="Z belongs here")
    with pytest.raises(NotAllowed, match="a second person"):
        closing.reopen(DAY, actor=BUDI)
    with pytest.raises(NotAllowed, match="a second person"):
        closing.keep_locked(DAY, actor=BUDI, reason="no")
    day = closing.reopen(DAY, actor=RATNA, reason="agreed")
    assert (day.state, day.signed_by, day.decided_by) == ("open", "", RATNA)
    assert steps(DAY, "") == {("to_ho", "ho_without_payment"): 5, ("ho", "total"): 5}
    assert steps(TODAY, "") == {}


def test_a_second_person_may_keep_it_locked() -> None:
    agreed()
    closed()
    closing.ask_reopen(DAY, actor=BUDI, reason="I would like to look again")
    assert closing.keep_locked(DAY, actor=RATNA, reason="nothing is wrong").state == "locked"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reconciliation_day SET state = 'open'",
        "UPDATE reconciliation_day SET digest = ''",
        "UPDATE reconciliation_day SET state = 'reopen_asked', asked_by = 'x', decided_by = 'x'",
        "UPDATE reconciliation_dayfigure SET amount = 0",
        "DELETE FROM reconciliation_dayfigure",
        "DELETE FROM reconciliation_dayevent",
    ],
)
def test_postgresql_itself_keeps_a_closed_day(statement: str) -> None:
    agreed()
    closed()
    with pytest.raises(DatabaseError), transaction.atomic():
        bridges.engine.execute(statement)


def test_every_day_of_the_last_weeks_is_computed_once_and_again_when_something_happened() -> None:
    agreed()
    assert bridges.refresh_days() == {"computed": 1}
    assert bridges.refresh_days() == {"computed": 0}
    load_into(feed("ho"), [line(5, order="Z")])
    reconcile()
    assert bridges.refresh_days() == {"computed": 1}


def test_one_edge_table_says_what_postgresql_says() -> None:
    from reconciliation.day_states import DAY_EDGES, DayState

    allowed = {(before, after) for (before, _verb), after in DAY_EDGES.items()}
    for before in DayState:
        for after in set(DayState) - {before}:
            Day.objects.all().delete()
            Day.objects.create(date=DAY, state=before)
            try:
                with transaction.atomic():
                    Day.objects.update(state=after)
                went = True
            except DatabaseError:
                went = False
            assert went == ((before, after) in allowed), (before, after)
    assert not DayEvent.objects.exists()
