"""Single actions afterwards and at the same moment: the later look, the order's list, two people, two workers."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from orders.errors import Refusal, StaleState
from orders.models import History, OperatorAction, Order
from orders.services import actions, desk, work
from orders.states import OrderState
from runbooks.models import Plan
from runbooks.queries.order_actions import PAGE, applied_to, count_of
from runbooks.services import approving, looking
from tests.orders.making import make_order
from tests.runbooks.planning import BUDI, DEWI, SARI, by_hand, charged, did, go, held, plan_of, run_on, turn, wish

pytestmark = pytest.mark.django_db


# The later look.


def _looked(action: OperatorAction, settings: Any) -> OperatorAction:
    settings.LOOK_AGAIN_AFTER = timedelta(0)
    looking.look_at_single_actions()
    action.refresh_from_db()
    return action


def test_what_was_fixed_by_hand_and_is_not_any_more_came_back(settings: Any) -> None:
    order = held()
    action = by_hand(order)
    work.drain("action")
    assert looking.look_at_single_actions() == 0, "its time has not come"
    desk.hold(order, until=timezone.now() + timedelta(hours=1), actor=BUDI, reason="again")
    assert (_looked(action, settings).status, action.later) == ("fixed", "came_back")
    assert looking.look_at_single_actions() == 0, "once"


def test_what_holds_says_nothing_and_what_came_right_says_so(settings: Any) -> None:
    well, late = by_hand(held()), did(held(), "release_hold", "not_fixed")
    work.drain("action")
    Order.objects.update(held_until=None)
    assert _looked(well, settings).later == ""
    late.refresh_from_db()
    assert (well.looked_at is not None, late.later) == (True, "came_right")


def test_an_act_without_a_second_look_is_looked_at_once_all_the_same(settings: Any) -> None:
    action = did(make_order(), "send_link")
    assert _looked(action, settings).looked_at is not None


# The order shows all of it.


def test_an_order_shows_every_action_ever_applied_with_its_plan() -> None:
    order = held()
    desk.assign(order, None, actor=SARI, expected_owner=None)
    plan = plan_of([order], "release_hold@1")
    run_on(approving.start(plan, go(plan)))
    desk.hold(order, until=timezone.now() + timedelta(hours=1), actor=BUDI, reason="again")
    order.refresh_from_db()
    refund = did(charged(), "refund")
    found = applied_to(order)
    assert [(each.name, each.actor) for each in found] == [("held", BUDI), ("release_hold", SARI), ("unassigned", SARI)]
    assert found[1].row is not None
    assert found[1].row.plan_id == plan.pk
    assert count_of(order) == 3
    assert [each.name for each in applied_to(refund.order)] == ["refund"]


def test_pages_of_actions_leave_none_out_and_show_none_twice() -> None:
    order, at = charged(), timezone.now()
    for number in range(PAGE * 2 + 7):
        did(order, "recheck_payment")
        OperatorAction.objects.filter(pk=OperatorAction.objects.latest("pk").pk).update(
            created_at=at - timedelta(seconds=number // 4)
        )
    seen: list[int] = []
    after = None
    while True:
        found = applied_to(order, after=after)
        seen += [each.place.pk for each in found[:PAGE]]
        if len(found) <= PAGE:
            break
        after = found[PAGE - 1].place
    assert sorted(seen) == sorted(OperatorAction.objects.values_list("pk", flat=True))


# Two at once.


def together(*deeds: Callable[[], object]) -> list[str]:
    """Each in a thread and connection of its own, at the same moment; what each was told."""
    gate, said = threading.Barrier(len(deeds)), list[str]()

    def go_on(do: Callable[[], object]) -> None:
        try:
            gate.wait(timeout=20)
            do()
            said.append("")
        except Refusal as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=go_on, args=(do,)) for do in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)
    return said


@pytest.mark.django_db(transaction=True)
def test_two_people_at_one_order_at_the_same_moment_have_one_effect() -> None:
    order = charged(held_until=timezone.now() + timedelta(hours=1))
    first, second = wish(order, "refund", params={"amount": 1}), wish(order, "release_hold", actor=DEWI)
    said = together(lambda: actions.request(order, first), lambda: actions.request(order, second))
    assert sorted(bool(each) for each in said) == [False, True]
    assert OperatorAction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_single_action_and_the_row_of_a_run_at_the_same_moment_have_one_effect() -> None:
    order = held()
    plan = plan_of([order], "release_hold@1", proposer=BUDI)
    run = approving.start(plan, go(plan, BUDI))
    own = wish(order)
    said = together(lambda: actions.request(order, own), lambda: turn(run))
    assert OperatorAction.objects.count() == 1
    assert [each for each in said if each] == [f"{plan.code} of {BUDI} is working on this order."]


@pytest.mark.django_db(transaction=True)
def test_two_second_persons_let_one_action_go_once() -> None:
    order = charged(amount=6_000_000)
    action = by_hand(order, "refund", params={"amount": 6_000_000})
    said = together(*(lambda who=who: actions.approve(action, actor=who) for who in (BUDI, "user:ratna")))
    assert sorted(said) == ["", "It does not wait for approval any more."]
    action.refresh_from_db()
    assert action.status == "queued"
    assert action.approver in (BUDI, "user:ratna")


@pytest.mark.django_db(transaction=True)
def test_a_no_and_a_yes_at_the_same_moment_are_one_of_them() -> None:
    order = charged(amount=6_000_000)
    action = by_hand(order, "refund", params={"amount": 6_000_000})
    said = together(
        lambda: actions.approve(action, actor=BUDI), lambda: actions.reject(action, actor="user:ratna", reason="no")
    )
    assert sorted(said) == ["", "It does not wait for approval any more."]
    action.refresh_from_db()
    assert (action.status, action.due_at is None) in {("queued", False), ("refused", True)}


@pytest.mark.django_db(transaction=True)
def test_two_workers_take_one_action_once() -> None:
    order = held()
    by_hand(order)
    together(*[lambda: work.drain("action")] * 2)
    assert OperatorAction.objects.get().status == "fixed"
    assert History.objects.filter(order_id=order.pk, verb="action_finished").count() == 1
    assert History.objects.filter(order_id=order.pk, verb="released").count() == 1


def test_a_proposal_made_in_one_state_is_not_let_go_in_another() -> None:
    order = charged(amount=6_000_000)
    action = by_hand(order, "refund", params={"amount": 6_000_000})
    Order.objects.filter(pk=order.pk).update(version=order.version + 1)
    with pytest.raises(StaleState):
        actions.approve(action, actor=BUDI)
    assert Order.objects.get().state == OrderState.PAID_AFTER_CLOSE
    assert Plan.objects.count() == 0
