"""A run: in waves, judged by outcome, stopped by switches and people, and nothing done twice."""

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import History, OperatorAction, Order, ResourceLock
from orders.services import actions, breakers, desk, locks, rounds, switches, work
from orders.services.actions import Wish
from runbooks import reasons
from runbooks.models import Plan, PlanEvent, PlanRow, Run
from runbooks.services import approving, operating, planning
from runbooks.states import RUN_EDGES, RunState, RunVerb
from runbooks.transitions import move_run
from tests.runbooks.planning import BUDI, SARI, charged, go, held, plan_of, run_on, states, turn

pytestmark = pytest.mark.django_db


def started(orders: list[Order], action: str = "release_hold@1") -> Run:
    plan = plan_of(orders, action)
    return approving.start(plan, go(plan))


def test_a_run_goes_in_waves_of_1_5_25_and_the_rest() -> None:
    orders = [held() for _each in range(33)]
    run = started(orders)
    seen: list[int] = []
    for _turn in range(60):
        run = turn(run)
        seen.append(PlanRow.objects.exclude(state="planned").count())
        if run.state == "finished":
            break
        work.drain("action")
    assert run.state == "finished"
    assert [count for count in (1, 6, 31, 33) if count in seen] == [1, 6, 31, 33]
    waves = PlanEvent.objects.filter(verb="wave").order_by("id").values_list("detail__wave", "detail__fixed")
    assert list(waves) == [(1, 1), (2, 5), (3, 25), (4, 2)]
    assert Counter(states(run.plan)) == {"fixed": 33}
    assert not Order.objects.filter(held_until__isnull=False).exists()
    assert not ResourceLock.objects.exists()


def test_every_row_is_an_operators_action_with_its_history() -> None:
    order = held()
    run = run_on(started([order]))
    action = OperatorAction.objects.get()
    assert (action.plan, action.actor, action.name, action.status) == (run.plan.code, SARI, "release_hold", "fixed")
    row = PlanRow.objects.get()
    assert (row.action_id, row.said) == (action.pk, "It is not on hold any more.")
    told = History.objects.filter(order_id=order.pk, verb__startswith="action_").order_by("seq")
    assert [each.detail["plan"] for each in told] == [run.plan.code] * 2


def test_what_changed_after_the_plan_was_made_is_skipped_and_named() -> None:
    orders = [held(), held()]
    plan = plan_of(orders, "release_hold@1")
    Order.objects.filter(pk=orders[1].pk).update(version=9)
    desk.release(orders[0], actor=BUDI)
    run = run_on(approving.start(plan, go(plan)))
    first, second = run.plan.rows.order_by("place")
    assert (first.state, first.why) == ("skipped", "refused")
    assert reasons.words(first.why, first.why_values) == "It is not on hold."
    assert (second.state, second.why, second.why_values) == ("skipped", "drifted", {"was": "paid", "now": "paid"})
    assert not OperatorAction.objects.exists()
    assert Order.objects.get(pk=orders[1].pk).held_until is not None


def test_an_order_that_another_run_has_is_skipped_with_its_name() -> None:
    shared, own = held(), held()
    first, second = plan_of([shared], "release_hold@1"), plan_of([shared, own], "release_hold@1")
    approving.start(first, go(first))
    approving.start(second, go(second))
    row = second.rows.get(order=shared)
    assert (row.state, row.why, row.why_values) == ("skipped", "in_run", {"plan": first.code, "actor": SARI})
    assert set(ResourceLock.objects.values_list("holder", flat=True)) == {first.code, second.code}


def test_nobody_does_something_else_to_an_order_while_a_run_has_it() -> None:
    order = held()
    run = started([order])
    wish = Wish(name="cancel_order", actor=BUDI, reason="x", expected_version=order.version, key="k")
    with pytest.raises(NotAllowed, match=f"{run.plan.code} of user:sari is working on this order"):
        actions.request(order, wish)
    assert not OperatorAction.objects.exists()
    run_on(run)
    assert locks.lock_on(order) is None


def test_one_row_that_fails_in_the_first_wave_pauses_the_run() -> None:
    orders = [held() for _each in range(8)]
    run = turn(started(orders))
    OperatorAction.objects.update(status="not_fixed", due_at=None, outcome="Midtrans did not answer")
    run = turn(run)
    assert (run.state, run.paused_for, run.paused_values) == (
        "paused",
        "wave_failed",
        {"wave": "1", "bad": "1", "ended": "1"},
    )
    assert Counter(states(run.plan)) == {"not_fixed": 1, "planned": 7}
    turn(turn(run))
    assert OperatorAction.objects.count() == 1

    operating.resume(run, actor=BUDI, reason="it answers again")
    run = run_on(run)
    assert Counter(states(run.plan)) == {"not_fixed": 1, "fixed": 7}


def test_too_many_changed_rows_pause_the_run_after_their_wave() -> None:
    orders = [held() for _each in range(12)]
    run = started(orders)
    Order.objects.filter(pk__in=[order.pk for order in orders[1:4]]).update(version=9)
    run = run_on(run, until="paused")
    assert (run.paused_for, run.paused_values["skipped"], run.wave) == ("wave_drifted", "3", 3)
    assert Counter(states(run.plan)) == {"fixed": 3, "skipped": 3, "planned": 6}


@pytest.mark.parametrize("switch", ["*", "release_hold"])
def test_a_switch_stops_a_run_before_the_next_row_and_says_whose_it_is(switch: str) -> None:
    run = run_until_second_wave([held() for _each in range(8)])
    switches.turn(switch, stop=True, known=["release_hold"], actor=BUDI, reason="wrong list")
    before = OperatorAction.objects.count()
    run = turn(run)
    assert (run.state, run.paused_for, run.paused_values) == (
        "paused",
        "stopped_by",
        {"actor": "user:budi", "text": "wrong list"},
    )
    assert OperatorAction.objects.count() == before
    with pytest.raises(NotAllowed, match="wrong list"):
        operating.resume(run, actor=SARI, reason="go on")
    switches.turn(switch, stop=False, known=["release_hold"], actor=BUDI, reason="right list")
    operating.resume(run, actor=SARI, reason="go on")
    assert run_on(run).state == "finished"


def run_until_second_wave(orders: list[Order]) -> Run:
    run = started(orders)
    for _turn in range(10):
        run = turn(run)
        work.drain("action")
        if run.wave == 2:
            return run
    raise AssertionError(run)


def test_a_switch_holds_back_what_was_released_and_not_begun() -> None:
    order = held()
    turn(started([order]))
    switches.turn("*", stop=True, known=[], actor=BUDI, reason="wait")
    work.drain("action")
    assert OperatorAction.objects.get().status == "queued"
    assert Order.objects.get().held_until is not None
    switches.turn("*", stop=False, known=[], actor=BUDI, reason="go on")
    OperatorAction.objects.update(due_at=timezone.now())
    work.drain("action")
    assert OperatorAction.objects.get().status == "fixed"


def test_a_switch_stops_single_actions_too() -> None:
    order = held()
    switches.turn("release_hold", stop=True, known=["release_hold"], actor=BUDI, reason="wait")
    wish = Wish(name="release_hold", actor=SARI, reason="x", expected_version=order.version, key="k")
    with pytest.raises(NotAllowed, match="Stopped by user:budi: wait"):
        actions.request(order, wish)
    assert not OperatorAction.objects.exists()


def test_a_switch_is_turned_with_a_reason_once_and_is_remembered() -> None:
    for name, reason in (("refund", " "), ("drop_tables", "x")):
        with pytest.raises(NotAllowed):
            switches.turn(name, stop=True, known=["refund"], actor=SARI, reason=reason)
    with pytest.raises(NotAllowed, match="so already"):
        switches.turn("refund", stop=False, known=["refund"], actor=SARI, reason="x")
    assert switches.changes() == []
    switches.turn("refund", stop=True, known=["refund"], actor=SARI, reason="doubles")
    assert [(each.name, each.is_stopped, each.actor, each.reason) for each in switches.changes()] == [
        ("refund", True, SARI, "doubles")
    ]


def test_a_paused_run_begins_nothing_and_goes_on_where_it_was() -> None:
    run = run_until_second_wave([held() for _each in range(8)])
    with pytest.raises(NotAllowed):
        operating.pause(run, actor=BUDI, reason=" ")
    operating.pause(run, actor=BUDI, reason="look first")
    before = OperatorAction.objects.count()
    run = turn(turn(run))
    assert (run.state, run.paused_values) == ("paused", {"actor": BUDI, "text": "look first"})
    assert OperatorAction.objects.count() == before
    operating.resume(run, actor=SARI, reason="looked")
    assert Counter(states(run_on(run).plan)) == {"fixed": 8}


def test_a_run_stopped_for_good_takes_back_what_nobody_has_begun() -> None:
    orders = [held() for _each in range(8)]
    run = run_until_second_wave(orders)
    run = turn(run)
    released = OperatorAction.objects.filter(status="queued").count()
    assert released == 5
    operating.cancel(run, actor=BUDI, reason="wrong list")
    run = turn(run)
    assert run.state == "cancelled"
    assert Counter(states(run.plan)) == {"fixed": 1, "skipped": 5, "not_run": 2}
    assert work.drain("action") == 0
    assert Order.objects.filter(held_until__isnull=False).count() == 7
    assert not ResourceLock.objects.exists()
    for verb in (operating.pause, operating.resume, operating.cancel):
        with pytest.raises(NotAllowed):
            verb(run, actor=BUDI, reason="again")


def test_what_does_not_end_in_time_is_not_known_and_may_still_end() -> None:
    run = turn(started([held(), held()]))
    PlanRow.objects.filter(state="released").update(released_at=timezone.now() - timedelta(minutes=3))
    run = turn(turn(run))
    assert Counter(states(run.plan)) == {"unknown": 1, "planned": 1}
    assert (run.state, run.paused_for) == ("paused", "wave_failed")
    assert run.due_at is not None
    work.drain("action")
    turn(run)
    assert Counter(states(run.plan)) == {"fixed": 1, "planned": 1}


def test_rows_changed_behind_the_approval_stop_the_run() -> None:
    run = started([held(), held()])
    PlanRow.objects.filter(place=2).update(expected_version=77)
    run = turn(run)
    assert (run.state, run.paused_for) == ("paused", "tampered")
    assert not OperatorAction.objects.exists()
    with pytest.raises(NotAllowed, match="not those that were approved"):
        operating.resume(run, actor=BUDI, reason="go on")


def test_the_second_look_tells_what_came_back_and_what_came_right_after_all(settings: Any) -> None:
    orders = [held() for _each in range(3)]
    run = run_on(started(orders))
    desk.hold(orders[0], until=timezone.now() + timedelta(hours=1), actor=BUDI, reason="again")
    PlanRow.objects.filter(order=orders[1]).update(state="not_fixed")
    assert turn(run).looked_at is None
    settings.LOOK_AGAIN_AFTER = timedelta(0)
    Run.objects.update(ended_at=timezone.now() - timedelta(minutes=6))
    run = turn(run)
    assert run.looked_at is not None
    assert run.due_at is None
    assert states(run.plan) == ["came_back", "fixed", "fixed"]
    assert run.plan.rows.get(order=orders[1]).why == "later"


def test_only_what_failed_is_tried_again_and_the_cool_down_knows_its_parent() -> None:
    orders = [held() for _each in range(7)]
    plan = plan_of(orders, "release_hold@1")
    run = run_on(approving.start(plan, go(plan)))
    with pytest.raises(NotAllowed, match="Nothing of it has failed"):
        planning.again(run.plan, proposer=SARI)
    PlanRow.objects.filter(order__in=orders[:2]).update(state="not_fixed")
    Order.objects.filter(pk__in=[order.pk for order in orders[:2]]).update(held_until=timezone.now())
    retry = planning.again(run.plan, proposer=BUDI)
    assert (retry.kind, retry.parent, retry.eligible, retry.proposer) == ("retry", run.plan, 2, BUDI)


def test_a_run_is_reversed_to_what_was_before() -> None:
    orders = [held(), held()]
    run = run_on(started(orders))
    back = planning.reverse(run.plan, proposer=SARI)
    assert (back.action, back.kind, back.eligible) == ("hold_order@1", "reverse", 2)
    run_on(approving.start(back, go(back)))
    now = Order.objects.order_by("pk").values_list("held_until", "hold_reason")
    assert list(now) == [(order.held_until, "fraud check") for order in orders]


def test_what_cannot_be_undone_says_why_not() -> None:
    plan = plan_of([charged()], "refund@1")
    with pytest.raises(NotAllowed, match="cannot be called back"):
        planning.reverse(plan, proposer=SARI)
    assert Plan.objects.count() == 1


def test_a_rate_is_kept_over_turns() -> None:
    run = started([charged() for _each in range(31)], "recheck_payment@1")
    Run.objects.update(wave=4, allowance=0, allowed_at=timezone.now() + timedelta(seconds=1))
    assert OperatorAction.objects.count() == 0
    turn(run)
    assert OperatorAction.objects.count() == 0


def test_the_sweep_rings_for_runs_whose_bell_was_lost() -> None:
    started([held()])
    assert "run" in work.waiting()
    assert "expire-plans" in rounds.ROUNDS


@pytest.mark.parametrize("verb", list(RunVerb))
@pytest.mark.parametrize("state", list(RunState))
def test_a_run_moves_along_its_edges_and_nowhere_else(state: str, verb: RunVerb) -> None:
    run = started([held()])
    Run.objects.update(state=state)
    run.refresh_from_db()
    events = PlanEvent.objects.count()
    if (state, verb) in RUN_EDGES:
        move_run(run, verb, actor=SARI)
        assert Run.objects.get().state == RUN_EDGES[state, verb]
        return
    with pytest.raises(NotAllowed):
        move_run(run, verb, actor=SARI)
    assert Run.objects.get().state == state
    assert PlanEvent.objects.count() == events


@pytest.mark.django_db(transaction=True)
def test_a_run_sends_nothing_to_a_neighbour_whose_breaker_is_open(settings: Any) -> None:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.BREAKERS = {"midtrans": {"consecutive": 5, "open": 60.0, "probes": 1}}
    until = timezone.now() + timedelta(minutes=10)
    breakers.force("midtrans", "open", until=until, reason="refunds twice", actor=BUDI)
    run = turn(started([charged(), charged()], "recheck_payment@1"))
    assert (run.state, run.waits_for, states(run.plan)) == ("running", "midtrans", ["planned", "planned"])
    assert not OperatorAction.objects.exists()

    breakers.reset("midtrans", reason="it is well", actor=BUDI)
    run = turn(run)
    assert (run.waits_for, states(run.plan)) == ("", ["released", "planned"])
