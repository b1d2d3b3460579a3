"""Plans of other things than orders: previews, locks, deeds, results, and that nothing is done twice."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from orders.leases import claim_one
from orders.models import DeadLetter, History, OperatorAction, ResourceLock
from orders.services import letters, locks, switches, work
from runbooks import reasons
from runbooks.digest import digest_now
from runbooks.models import Deed, Plan, PlanRow, Run
from runbooks.registry import ACTIONS
from runbooks.services import approving, deeds, operating, planning
from runbooks.subjects import SUBJECTS
from tests.orders.making import make_letter, make_order
from tests.runbooks.planning import BUDI, SARI, go, states, turn

pytestmark = pytest.mark.django_db


def plan_letters(found: list[DeadLetter], action: str = "drain_letter@1", **more: Any) -> Plan:
    ask = planning.Ask(**{"action": action, "proposer": SARI, "kind": Plan.Kind.SELECTION, **more})
    return planning.make_plan([letter.pk for letter in found], ask)


def started(found: list[DeadLetter]) -> Run:
    plan = plan_letters(found)
    return approving.start(plan, go(plan))


def run_on(run: Run) -> Run:
    for _turn in range(60):
        run = turn(run)
        if run.state == "finished":
            return run
        work.drain("deed")
    raise AssertionError(run)


def test_a_row_freezes_what_it_is_about_and_how_that_stood() -> None:
    order = make_order("paid")
    of_order, of_none, handled = make_letter(order), make_letter(), make_letter(state="retrying")
    plan = plan_letters([of_order, of_none, handled])
    assert (plan.subject, plan.eligible, plan.ineligible, plan.money, plan.risk) == ("letter", 2, 1, {}, "reason")
    first, second, third = plan.rows.order_by("id")
    assert (first.resource, first.lock_key, first.order) == (f"letter:{of_order.pk}", f"order:{order.pk}", order)
    assert (first.public_id, first.expected_state, first.target) == (of_order.event_id, "dead", "discarded")
    assert (second.lock_key, second.order) == (f"letter:{of_none.pk}", None)
    assert reasons.words(third.why, third.why_values) == "Not possible: the event is Tried again."
    PlanRow.objects.filter(pk=second.pk).update(resource="letter:999999999")
    assert digest_now(plan) != plan.hash


def test_a_run_carries_out_each_row_once_and_the_order_shows_it() -> None:
    order = make_order("paid")
    found = [make_letter(order), *(make_letter() for _each in range(6))]
    run = run_on(started(found))
    assert Counter(states(run.plan)) == {"fixed": 7}
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"discarded"}
    assert not ResourceLock.objects.exists()
    assert not OperatorAction.objects.exists()
    row = run.plan.rows.get(order=order)
    assert (row.said, row.deed.actor, row.deed.outcome) == (row.deed.outcome, SARI, "The event is now: Discarded.")
    told = History.objects.filter(order_id=order.pk, verb__startswith="action_").order_by("seq")
    assert [(each.verb, each.detail["action"], each.detail["plan"]) for each in told] == [
        ("action_requested", "drain_letter", run.plan.code),
        ("action_finished", "drain_letter", run.plan.code),
    ]


def test_what_changed_since_or_is_gone_is_skipped_with_its_state() -> None:
    changed, same = make_letter(), make_letter()
    plan = plan_letters([changed, same])
    letters.discard(changed, version=changed.version, actor=BUDI, reason="mine")
    run = run_on(approving.start(plan, go(plan)))
    first, second = run.plan.rows.order_by("place")
    assert (first.state, first.why, first.why_values) == ("skipped", "drifted", {"was": "dead", "now": "discarded"})
    assert second.state == "fixed"
    assert Deed.objects.count() == 1


def test_who_is_worked_on_or_was_just_now_is_left_out_with_the_plan() -> None:
    order, letter = make_order("paid"), make_letter()
    of_order = make_letter(order)
    locks.take([locks.key_of(order.pk)], holder="PL-BBBBBB", by="user:dewi")
    first = plan_letters([of_order, letter])
    assert [row.why for row in first.rows.order_by("id")] == ["in_run", ""]
    code = run_on(approving.start(first, go(first))).plan.code
    assert plan_letters([letter], "replay_letter@1").eligible == 1
    DeadLetter.objects.filter(pk=letter.pk).delete()
    again = make_letter(event_id=letter.event_id, pk=letter.pk)
    row = plan_letters([again]).rows.get()
    assert (row.why, row.why_values["plan"]) == ("cool_down", code)


def test_two_rows_about_one_order_keep_it_until_the_run_ends() -> None:
    order = make_order("paid")
    run = started([make_letter(order), make_letter(order)])
    assert ResourceLock.objects.count() == 1
    run = turn(run)
    work.drain("deed")
    run = turn(run)
    assert Counter(states(run.plan)) == {"fixed": 1, "planned": 1}
    assert locks.lock_on(order) is not None
    run_on(run)
    assert locks.lock_on(order) is None


def test_a_worker_that_died_after_the_effect_is_followed_by_one_that_only_looks() -> None:
    run = turn(started([make_letter()]))
    deed = Deed.objects.get()
    mine = claim_one(deed)
    assert mine is not None
    perform = ACTIONS["drain_letter@1"].perform
    assert perform is not None
    perform(mine)
    Deed.objects.update(lease_until=timezone.now())
    seen = DeadLetter.objects.get().version
    work.drain("deed")
    deed.refresh_from_db()
    assert (deed.status, deed.acted_at is not None) == ("fixed", True)
    assert DeadLetter.objects.get().version == seen
    assert deeds.request(_wanted(run)) == deed
    assert Deed.objects.count() == 1


def _wanted(run: Run) -> deeds.Wanted:
    row = run.plan.rows.get()
    return deeds.Wanted(
        action=ACTIONS["drain_letter@1"],
        resource=row.resource,
        plan=run.plan.code,
        place=1,
        actor=SARI,
        approver="",
        reason="x",
        expected_state=row.expected_state,
        expected_version=row.expected_version,
    )


def test_a_switch_and_a_cancelled_run_hold_back_what_was_released() -> None:
    run = turn(started([make_letter(), make_letter()]))
    switches.turn("drain_letter", stop=True, known=["drain_letter"], actor=BUDI, reason="wait")
    work.drain("deed")
    assert Deed.objects.get().status == "queued"
    assert turn(run).paused_for == "stopped_by"
    operating.cancel(run, actor=BUDI, reason="wrong list")
    run = turn(run)
    assert states(run.plan) == ["skipped", "not_run"]
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"dead"}
    assert work.drain("deed") == 0
    assert not ResourceLock.objects.exists()


def test_what_was_drained_is_undone_by_replaying_it() -> None:
    run = run_on(started([make_letter()]))
    back = planning.reverse(run.plan, proposer=SARI)
    assert (back.action, back.subject, back.eligible) == ("replay_letter@1", "letter", 1)


def test_reading_costs_the_same_for_one_and_for_many(django_assert_num_queries: Any) -> None:
    found = [make_letter(make_order("paid")) for _each in range(6)]
    for some in (found[:1], found):
        with django_assert_num_queries(14):
            plan_letters(some)


@pytest.mark.parametrize("name", sorted(SUBJECTS))
def test_nonsense_is_nobody(name: str) -> None:
    assert dict(SUBJECTS[name].gather(["0", "", "x", "9" * 30])) == {}
