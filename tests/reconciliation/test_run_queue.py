"""Runs that a worker does: begun anew when it dies, given up after a few, begun by the clock once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from orders.errors import NotAllowed
from reconciliation.models import BookEvent, Break, Entry, Rules, Run, RunSchedule
from reconciliation.queries import runs as queries
from reconciliation.schedules import Schedule, next_run
from reconciliation.services import rounds, run_schedules, runs
from reconciliation.services.rules import rules_in_force, save_rules
from reconciliation.services.runs import MOST_TRIES, ask, reconcile, work
from reconciliation.states import RunScope
from tests.reconciliation.books import AT, feed, line, load_into
from tests.waiting import eventually

pytestmark = pytest.mark.django_db
FORM = {"scope": "changes", "rule": "every:600", "weekdays": "1234567", "is_active": True}


@pytest.fixture(autouse=True)
def _books() -> None:
    paid = line(1_000, order="A", reference="A-1", source="midtrans", method="gopay")
    load_into(feed("ours", "ledger"), [paid])
    load_into(feed("ho"), [line(960, order="A")])


def test_a_run_that_waits_is_done_once() -> None:
    run = ask(actor="user:budi")
    done = work(run.pk)
    assert done is not None
    assert (done.state, done.tries, done.actor) == ("done", 1, "user:budi")
    assert Break.objects.get().difference == -40
    assert work(run.pk) is None


@pytest.mark.parametrize(
    ("tries", "state"), [(1, "done"), (MOST_TRIES - 1, "done"), (MOST_TRIES, "failed"), (0, "failed")]
)
def test_a_run_whose_worker_died_begins_anew_a_few_times(tries: int, state: str) -> None:
    run = ask()
    Run.objects.filter(pk=run.pk).update(state="running", tries=tries, phases=[["ho: pool", 1, 0.1]])
    done = work(run.pk)
    assert done is not None
    assert (done.state, bool(done.said), done.ended_at is not None) == (state, state == "failed", True)
    assert Break.objects.exists() == (state == "done")


def test_a_run_that_another_process_does_is_left_to_it_and_taken_over_when_that_dies() -> None:
    run = ask()
    Run.objects.filter(pk=run.pk).update(state="running", tries=1)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [runs._LOCK, run.pk])
    assert work(run.pk) is None
    other.close()  # as a killed process does
    done = eventually(lambda: work(run.pk))
    assert done is not None
    assert (done.state, done.tries) == ("done", 2)


def test_the_clock_rings_for_runs_that_nobody_does() -> None:
    old = ask()
    ask()
    Run.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    assert rounds.ring_for_runs() == {"rang": 1}
    assert rounds.ring_for_runs() == {"rang": 0}  # hushed


def test_a_schedule_begins_each_run_once_and_says_when_one_failed() -> None:
    found = run_schedules.keep(RunSchedule(), FORM, expected=1, actor="user:budi", reason="day and night")
    assert run_schedules.start_due() == []
    RunSchedule.objects.update(next_at=timezone.now() - timedelta(hours=3))
    begun = run_schedules.start_due()
    assert [run.actor for run in begun] == [f"schedule:{found.pk}"]
    assert run_schedules.start_due() == []
    RunSchedule.objects.update(next_at=timezone.now() - timedelta(hours=3))
    assert run_schedules.start_due() == []  # the last one still waits
    Run.objects.update(state="failed")
    assert run_schedules.failures() == {"failed": 1, "run": begun[0].pk}


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"rule": "every:30"}, "x"), ({"rule": ""}, "x"), ({"weekdays": ""}, "x"), ({"rule": "daily:9"}, "x"), ({}, " ")],
)
def test_a_schedule_that_makes_no_sense_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotAllowed):
        run_schedules.keep(RunSchedule(), FORM | change, expected=1, actor="user:budi", reason=reason)
    assert not RunSchedule.objects.exists()
    assert not BookEvent.objects.exists()


def test_two_people_who_change_one_schedule_are_told_apart() -> None:
    found = run_schedules.keep(RunSchedule(), FORM, expected=1, actor="user:budi", reason="first")
    run_schedules.keep(found, FORM | {"rule": "daily:07:00"}, expected=1, actor="user:budi", reason="later")
    with pytest.raises(NotAllowed):
        run_schedules.keep(found, FORM, expected=1, actor="user:ratna", reason="again")
    assert RunSchedule.objects.get().rule == "daily:07:00"


@pytest.mark.parametrize(
    ("rule", "weekdays", "after", "expected"),
    [
        ("daily:06:00", "1234567", "2026-11-27T22:00", "2026-11-27T23:00"),  # Saturday 05:00 WIB
        ("daily:06:00", "1234567", "2026-11-27T23:00", "2026-11-28T23:00"),
        ("daily:06:00", "15", "2026-11-27T22:00", "2026-11-29T23:00"),  # Monday
        ("every:600", "1234567", "2026-11-27T22:00", "2026-11-27T22:10"),
        ("every:600", "1", "2026-11-27T22:00", "2026-11-29T17:00"),  # Monday, midnight in Jakarta
    ],
)
def test_when_the_next_run_begins(rule: str, weekdays: str, after: str, expected: str) -> None:
    found = next_run(Schedule.read(rule), weekdays=weekdays, after=datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_other_rules_are_tried_without_writing_anything() -> None:
    reconcile()
    trial = {"tolerance": 50, "tolerance_percent": 0, "tolerance_by_currency": {"IDR": 40}}
    run = ask(scope=RunScope.WINDOW, window=(AT.date(), AT.date()), trial=trial)
    done = work(run.pk)
    assert done is not None
    assert (done.state, done.is_dry) == ("done", True)
    assert (done.summary["before"], done.summary["after"]) == (1, 0)
    assert done.summary["settled"]["money"] == {"IDR": 40}
    assert done.summary["settled"]["examples"][0]["order"] == "A"
    assert done.summary["new"]["count"] == 0
    assert (Break.objects.get().state, rules_in_force().number) == ("open", 1)


def test_rules_are_saved_as_versions_with_a_reason() -> None:
    now = rules_in_force()
    given = {name: getattr(now, name) for name in ("tolerance", "tolerance_percent", "tolerance_by_currency")}
    given |= {"open_order_hours": now.open_order_hours, "patience_days": 40}
    for wrong in ({"expected": 7, "reason": "x"}, {"expected": now.number, "reason": ""}):
        with pytest.raises(NotAllowed):
            save_rules(given, actor="user:budi", **wrong)
    saved = save_rules(given, expected=now.number, actor="user:budi", reason="a slow feed")
    assert (saved.number, saved.note, rules_in_force().patience_days) == (now.number + 1, "a slow feed", 40)
    with pytest.raises(NotAllowed):
        save_rules(given, expected=saved.number, actor="user:budi", reason="the same again")
    assert Rules.objects.count() == 2


def test_two_runs_are_compared_with_what_changed_and_why(django_assert_max_num_queries: Any) -> None:
    first = reconcile()
    load_into(feed("ho"), [line(40, order="A")], name="late.csv")
    load_into(feed("ours", "ledger"), [line(70, order="B", reference="B-1", source="midtrans", occurred_at=AT)])
    second = reconcile()
    with django_assert_max_num_queries(16):
        between = queries.between(first, second)
    assert (between.found.count, between.healed.count) == (1, 1)
    assert list(between.reasons.values()) == ["line"]
    assert next(load.name for load in between.loads) == "late.csv"
    lost = next(row for row in between.totals if row.outcome == "break" and row.why == "amount_differs")
    assert (lost.before[0], lost.after[0]) == (1, 0)
    assert between.healed.breaks[0].healed_by == Entry.objects.get(amount=40).pk


def test_the_totals_of_a_run_are_what_its_books_hold() -> None:
    run = reconcile()
    books = {(book.pairing, book.side): book for book in queries.books_of(run)}
    assert (books["ho", "ours"].lines, books["ho", "ours"].amount) == (1, 1_000)
    assert books["ho", "ho"].outcomes["break"] == (1, 960)
