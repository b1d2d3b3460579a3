"""Runs after runs: what changed is enough, breaks keep their identity, and nothing is written that does not add up."""

from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from orders.models import LedgerEntry
from reconciliation import business_day
from reconciliation.models import (
    Break,
    BreakEvent,
    Entry,
    Expectation,
    Load,
    Match,
    Run,
    RunTotal,
)
from reconciliation.services import engine
from reconciliation.services.ours import copy_ours
from reconciliation.services.rules import rules_in_force
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope
from tests.orders.making import make_attempt, make_order
from tests.reconciliation.books import AT, feed, line, load_into

pytestmark = pytest.mark.django_db


def paid(amount: int, order: str, **fields: Any) -> Any:
    return line(amount, order=order, **{"reference": f"{order}-1", "source": "midtrans", "method": "gopay"} | fields)


def ours(*lines: Any) -> None:
    load_into(feed("ours", "ledger"), lines)


def ho(*lines: Any) -> None:
    load_into(feed("ho"), lines)


def open_breaks() -> list[tuple[str, str]]:
    return sorted(Break.objects.filter(state="open").values_list("type", "key"))


def full() -> Run:
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "done", run.said
    return run


def test_a_break_heals_by_the_line_that_came_and_says_which() -> None:
    ours(paid(100, "A"), paid(70, "B"))
    ho(line(100, order="A"))
    reconcile()
    ho(line(70, order="B"))
    run = reconcile()
    found = Break.objects.get()
    assert (found.state, found.healed_by) == ("healed", Entry.objects.latest("pk").pk)
    assert found.closed_at is not None
    assert list(BreakEvent.objects.values_list("verb", "run")) == [("heal", run.pk)]
    assert (run.scope, run.summary["healed"], run.summary["open"]) == ("changes", 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_run_tells_how_far_it_is_while_it_goes_on() -> None:
    ours(paid(100, "A"))
    ho()
    seen = []
    run = reconcile(progress=lambda name, rows, seconds: seen.append(name))
    assert run.state == "done"
    kept = Run.objects.get()
    assert [phase[0] for phase in kept.phases] == seen
    assert seen[0] == "ho: pass_0_one_each"
    assert kept.up_to_entry == Entry.objects.latest("pk").pk


def test_a_break_keeps_owner_and_history_when_it_changes_its_type() -> None:
    ours(paid(100, "A"))
    ho()
    reconcile()
    budi = get_user_model().objects.create(username="budi")
    Break.objects.update(owner=budi)
    ho(line(90, order="A"))
    run = reconcile()
    found = Break.objects.get()
    assert (found.type, found.owner, found.found_by_id != run.pk, found.seen_by) == ("amount_differs", budi, True, run)
    event = BreakEvent.objects.get()
    assert (event.verb, event.detail["type"]) == ("change", ["missing_in_ho", "amount_differs"])


def test_a_healed_break_that_comes_back_is_the_same_one() -> None:
    ours(paid(100, "A"))
    ho(line(90, order="A"))
    reconcile()
    ours(paid(-10, "A", kind="refund"))
    reconcile()
    assert Break.objects.get().state == "healed"
    ho(line(40, order="A"))
    reconcile()
    assert Break.objects.get().state == "open"
    assert list(BreakEvent.objects.order_by("pk").values_list("verb", flat=True)) == ["heal", "reopen"]


def test_a_resolved_break_stays_so_until_its_money_changes() -> None:
    ours(paid(100, "A"))
    ho(line(90, order="A"))
    reconcile()
    Break.objects.update(state="resolved", resolution="written_off")
    full()
    assert Break.objects.get().state == "resolved"
    ho(line(5, order="A"))
    reconcile()
    found = Break.objects.get()
    assert (found.state, found.resolution, found.difference) == ("open", "", -5)


def test_a_second_full_run_writes_nothing_new_and_has_the_same_digest() -> None:
    ours(paid(100, "A"), paid(70, "B"), paid(30, "C"), paid(20, "C", reference="C-2"))
    ho(line(99, order="A"), line(50, order="C"), line(8, order="Z"))
    first = full()
    before = list(Break.objects.values()), list(Match.objects.values())
    second = full()
    assert (list(Break.objects.values()), list(Match.objects.values())) == before
    assert first.digest == second.digest
    assert not BreakEvent.objects.exists()


def test_what_waited_is_looked_at_again_when_the_feed_is_complete() -> None:
    ours(paid(100, "A"))
    load_into(feed("ho", complete_up_to=AT), [])
    assert reconcile().summary["open"] == 0
    assert Expectation.objects.count() == 1
    feed("ho", complete_up_to=AT + timedelta(seconds=1))
    run = reconcile()
    assert (run.scope, open_breaks()) == ("changes", [("missing_in_ho", "A")])
    assert not Expectation.objects.exists()


def test_an_order_on_its_way_is_expected_until_head_office_should_have_been_told() -> None:
    order = make_order("active", amount=100)
    moment = AT + timedelta(days=29, hours=12)
    ours(paid(100, order.public_id, occurred_at=moment))
    ho()
    run = full()
    assert [total.why for total in RunTotal.objects.filter(run=run)] == ["order_open"]
    assert not Break.objects.exists()


def test_a_dry_run_says_what_it_would_find_and_keeps_nothing() -> None:
    ours(paid(100, "A"))
    ho()
    run = reconcile(dry=True)
    assert (run.state, run.is_dry, run.summary["found"]) == ("done", True, 1)
    assert RunTotal.objects.get(run=run).outcome == "break"
    assert not Break.objects.exists()
    assert full().digest == run.digest


def test_a_run_of_some_days_looks_at_whole_orders_of_these_days() -> None:
    day = business_day.of(AT)
    ours(paid(100, "A"), paid(70, "B", occurred_at=AT - timedelta(days=3)))
    ho(line(90, order="A", occurred_at=AT + timedelta(days=2)))
    run = reconcile(window=(day, day))
    assert (run.scope, open_breaks()) == ("window", [("amount_differs", "A")])
    assert full().summary["open"] == 2


def test_a_book_that_lost_a_line_fails_the_run_and_leaves_everything_as_it_was() -> None:
    ours(paid(100, "A"), paid(70, "B"))
    ho(line(100, order="A"))
    Entry.objects.filter(side="ours", order_reference="B").delete()
    run = reconcile(scope=RunScope.FULL)
    assert run.state == "failed"
    assert run.said == "The results of ho/ours add up to (1, 100), the book holds (2, 170) (lines, IDR)."
    assert not Break.objects.exists()
    with pytest.raises(CommandError, match="nothing was written"):
        call_command("reconcile", "--full", stdout=StringIO())


def test_without_a_book_to_compare_with_nothing_is_said() -> None:
    ours(paid(100, "A"))
    assert (full().summary["open"], RunTotal.objects.count()) == (0, 0)


def test_new_rules_make_the_next_run_a_full_one() -> None:
    ours(paid(10_000, "A"))
    ho(line(9_990, order="A"))
    assert reconcile().summary["open"] == 1
    rules = rules_in_force()
    rules.pk, rules.number, rules.tolerance_percent = None, 2, 10
    rules.save()
    run = reconcile()
    assert (run.scope, run.summary["open"], run.summary["healed"]) == ("full", 0, 1)
    assert Match.objects.get().rule == "tolerance"


def test_what_matched_under_another_name_stays_matched_when_only_one_of_the_two_is_looked_at() -> None:
    ours(paid(100, "A"), paid(70, "B"))
    ho(line(100, order="A"), line(70, order="Z", method="gopay"))
    reconcile()
    assert Match.objects.get().rule == "look_alike"
    ours(paid(5, "C"))
    ho(line(5, order="C"))
    run = reconcile()
    assert (run.scope, open_breaks(), Match.objects.get().rule) == ("changes", [], "look_alike")
    day = business_day.of(AT)
    assert reconcile(window=(day, day)).summary["open"] == 0


def books(seed: int) -> tuple[list[Any], list[Any]]:
    """Two books with a little of everything."""
    chance, mine, theirs = Random(seed), [], []
    for number in range(60):
        order, amount = f"O-{number}", chance.choice([100, 250, 900])
        mine += [paid(amount, order, reference=f"{order}-{part}") for part in range(chance.choice([1, 1, 1, 2]))]
        theirs += [
            line(amount + chance.choice([0, 0, 0, -5]), order=chance.choice([order, order, order, ""]), method="gopay")
            for _part in range(chance.choice([0, 1, 1, 1, 2]))
        ]
    return mine, theirs


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_loading_does_not_matter(seed: int) -> None:
    mine, theirs = books(seed)
    ours(*mine)
    ho(*theirs)
    first = full()
    found = open_breaks()
    for model in (Break, Match, Entry, Load):
        model.objects.all().delete()
    Random(seed + 1).shuffle(mine)
    Random(seed + 2).shuffle(theirs)
    ho(*theirs)
    ours(*mine)
    assert full().digest == first.digest
    assert open_breaks() == found


@pytest.mark.parametrize("seed", range(3))
def test_runs_of_changes_come_to_what_one_full_run_finds(seed: int) -> None:
    mine, theirs = books(seed)
    ours(*mine[:30])
    ho(*theirs[:20])
    reconcile()
    for step in range(30, 130, 25):
        ours(*mine[step : step + 25])
        ho(*theirs[step - 10 : step + 15])
        assert reconcile().scope == "changes"
    found, matched = open_breaks(), Match.objects.count()
    run = full()
    assert (open_breaks(), Match.objects.count()) == (found, matched)
    assert (run.summary["found"], run.summary["healed"], run.summary["changed"]) == (0, 0, 0)


def test_a_run_has_postgresql_look_again_at_what_the_last_one_made_larger() -> None:
    def known(table: str) -> float:
        rows = engine.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        return float(rows[0][0])

    engine.execute("ANALYZE reconciliation_entry, reconciliation_break")  # what it says stays, whoever rolls back
    ours(*(paid(100 + number, f"A{number}") for number in range(40)))
    ho(line(7, order="B"))
    full()
    assert (known("reconciliation_entry"), known("reconciliation_break")) == (41, 0)
    reconcile()
    assert known("reconciliation_break") == 41


def test_our_book_follows_the_ledger_and_copies_each_fact_once() -> None:
    attempt = make_attempt(make_order("active", amount=100), "paid")
    fact = {"order": attempt.order, "attempt": attempt, "currency": "IDR", "gateway": "midtrans"}
    LedgerEntry.objects.create(**fact, kind="charged", amount=100, source_key="charge:1", occurred_at=AT)
    assert copy_ours().new == 1
    assert copy_ours().new == 0
    LedgerEntry.objects.create(**fact, kind="refunded", amount=-40, source_key="refund:1", occurred_at=AT)
    assert copy_ours().new == 1
    assert list(Entry.objects.order_by("pk").values_list("kind", "amount", "reference", "order_reference")) == [
        ("payment", 100, attempt.reference, attempt.order.public_id),
        ("refund", -40, attempt.reference, attempt.order.public_id),
    ]
    assert Load.objects.count() == 2
