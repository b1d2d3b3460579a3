"""What a neighbour has accepted and not yet done: a result of its own, which stops no run and is looked at again."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.leases import claim_one
from orders.models import OperatorAction, Order, Refund
from orders.queries.phrases import retold
from orders.queries.sentences import status_words
from orders.services import ledger, work
from orders.services.placing import cancel_order
from orders.states import RefundVerb
from orders.transitions import lock, move
from runbooks.facts import gather
from runbooks.models import PlanEvent, PlanRow, Run
from runbooks.queries.plans import pace_of, row_counts
from runbooks.registry import ACTIONS
from runbooks.services import approving, awaiting, looking, operating, planning
from tests.orders.flow import drain, let_time_pass, place
from tests.orders.making import make_order, make_refund
from tests.runbooks.planning import BUDI, SARI, by_hand, charged, did, go, plan_of, run_on, states, turn

pytestmark = pytest.mark.django_db
NEVER = 0.01  # simulated seconds a second: what a gateway promised it does long after the test


def late_money(control: RemoteSandbox, count: int) -> list[Order]:
    """Orders that were cancelled and then paid at Xendit, which answers to a refund "pending", and ends it later."""
    control.speed(NEVER)
    orders = [place("ovo") for _each in range(count)]
    for order in orders:
        cancel_order(order, actor=SARI, reason="customer called")
        control.pay(order.attempts.get().reference, force=True)
    let_time_pass()
    drain()
    for order in orders:
        order.refresh_from_db()
    assert {order.state for order in orders} == {"paid_after_close"}
    return orders


def ends(order: Order, verb: RefundVerb) -> None:
    """The gateway says how the refund ended."""
    with transaction.atomic():
        fresh = lock(order)
        refund = Refund.objects.get(order=fresh)
        move(refund, verb, actor="gateway:xendit")
        if verb == RefundVerb.SUCCEED:
            ledger.give_back(refund, at=timezone.now())


def started(orders: list[Order]) -> Run:
    plan = plan_of(orders, "refund@1")
    return approving.start(plan, go(plan))


def look_and_die(run: Run) -> None:
    """A worker looks at what was accepted, and nothing is heard of it any more."""
    mine = claim_one(run)
    assert mine is not None
    awaiting.look(mine, since=timedelta(0))
    Run.objects.filter(pk=run.pk).update(lease_until=None)


def look_later(run: Run) -> Run:
    """The next look of the run at what was accepted, as if its time had come."""
    long_ago = timezone.now() - timedelta(minutes=1)
    PlanRow.objects.filter(plan=run.plan, looked_at__isnull=False, state="accepted").update(looked_at=long_ago)
    return turn(run)


@pytest.mark.usefixtures("neighbours")
def test_rows_that_are_only_accepted_stop_no_run_and_end_as_the_gateway_says(control: RemoteSandbox) -> None:
    orders = late_money(control, 7)
    run = run_on(started(orders))
    assert Counter(states(run.plan)) == {"accepted": 7}
    waves = PlanEvent.objects.filter(verb="wave").order_by("id").values_list("detail__accepted", "detail__failed")
    assert list(waves) == [(1, 0), (5, 0), (1, 0)]
    pace = pace_of(run, row_counts(run.plan))
    assert (pace.ended, pace.total, pace.accepted, pace.left) == (7, 7, 7, None)
    with pytest.raises(planning.NotAllowed, match="Nothing of it has failed"):
        planning.again(run.plan, proposer=SARI)

    assert run.due_at is not None, "it is looked at again"
    ends(orders[0], RefundVerb.SUCCEED)
    ends(orders[1], RefundVerb.FAIL)
    run = look_later(run)
    assert states(run.plan) == ["fixed", "not_fixed", *["accepted"] * 5]
    assert [row.why for row in run.plan.rows.order_by("id")[:2]] == ["done_since", "not_done"]
    again = planning.again(run.plan, proposer=SARI)
    assert [row.order for row in again.rows.all()] == [orders[1]]
    assert again.eligible == 1


@pytest.mark.django_db(transaction=True)  # the clock of the database stands still in a test's transaction
@pytest.mark.usefixtures("neighbours")
def test_what_failed_after_its_wave_was_judged_stops_the_run_at_the_next_judgement(
    control: RemoteSandbox, settings: Any
) -> None:
    settings.WORK_THREADS = 1
    orders = late_money(control, 7)
    run = started(orders)
    while run.wave == 1:
        run = turn(run)
        work.drain("action")
    assert states(run.plan)[0] == "accepted"
    ends(orders[0], RefundVerb.FAIL)
    look_and_die(run)
    run = run_on(run, until="paused")
    assert (run.paused_for, run.paused_values) == ("wave_failed", {"wave": "2", "bad": "1", "ended": "6"})
    assert Counter(states(run.plan)) == {"not_fixed": 1, "accepted": 5, "planned": 1}
    ends(orders[1], RefundVerb.SUCCEED)
    run = look_later(run)
    assert (run.state, Counter(states(run.plan))["fixed"]) == ("paused", 1), "looked at while the run stands still, too"
    operating.resume(run, actor=BUDI, reason="one of six")
    assert run_on(run).state == "finished"


@pytest.mark.usefixtures("neighbours")
def test_the_second_look_comes_after_the_late_end_and_sees_what_came_back(
    control: RemoteSandbox, settings: Any
) -> None:
    (order,) = late_money(control, 1)
    run = run_on(started([order]))
    Run.objects.update(ended_at=timezone.now() - settings.LOOK_AGAIN_AFTER)
    run = look_later(run)
    assert (run.looked_at, states(run.plan)) == (None, ["accepted"])
    ends(order, RefundVerb.SUCCEED)
    run = look_later(run)
    assert (run.looked_at, states(run.plan)) == (None, ["fixed"]), "it has not been fixed for long enough"
    with transaction.atomic():
        lock(order)
        move(Refund.objects.get(), RefundVerb.BOUNCE, actor="gateway:xendit")
    PlanRow.objects.update(ended_at=timezone.now() - settings.LOOK_AGAIN_AFTER)
    run = turn(run)
    assert states(run.plan) == ["came_back"]
    assert (run.looked_at is not None, run.due_at) == (True, None)


@pytest.mark.usefixtures("neighbours")
def test_what_is_still_not_done_after_a_week_is_not_fixed_and_not_looked_at_any_more(control: RemoteSandbox) -> None:
    (order,) = late_money(control, 1)
    run = run_on(started([order]))
    week = timezone.now() - timedelta(days=8)
    PlanRow.objects.update(released_at=week)
    Run.objects.update(ended_at=week)
    run = turn(look_later(run))
    row = run.plan.rows.get()
    assert (row.state, row.why) == ("not_fixed", "too_long")
    PlanRow.objects.update(ended_at=week)
    assert turn(run).due_at is None


@pytest.mark.usefixtures("neighbours")
def test_a_gateway_that_does_not_answer_has_accepted_nothing(control: RemoteSandbox) -> None:
    (order,) = late_money(control, 1)
    control.plan(order.public_id, {"on": "refund", "do": "reset_after", "neighbour": "xendit"})
    run = run_on(started([order]), until="paused")
    assert (states(run.plan), Refund.objects.get().state) == (["not_fixed"], "unknown")


@pytest.mark.usefixtures("neighbours")
def test_a_single_refund_says_that_it_was_accepted_and_later_how_it_ended(
    control: RemoteSandbox, settings: Any
) -> None:
    orders = late_money(control, 3)
    asked = [by_hand(order, "refund", params={"amount": order.amount}) for order in orders]
    work.drain("action")
    settings.LOOK_AGAIN_AFTER = timedelta(0)
    ends(orders[0], RefundVerb.SUCCEED)
    ends(orders[1], RefundVerb.FAIL)
    looking.look_at_single_actions()
    for action in asked:
        action.refresh_from_db()
    assert [(each.status, each.later) for each in asked] == [
        ("accepted", "done"),
        ("accepted", "not_done"),
        ("accepted", ""),
    ]
    assert looking.look_at_single_actions() == 1, "what goes on is looked at again"
    assert status_words("refund", "accepted") == "accepted, not yet done"


def test_what_was_accepted_is_not_asked_for_a_second_time_by_hand() -> None:
    order = charged()
    first = did(order, "refund", "accepted")
    with pytest.raises(planning.NotAllowed, match="did the same by hand"):
        by_hand(order, "refund", params={"amount": 150_000}, seen=first.pk)


@pytest.mark.parametrize(
    ("method", "amount", "said"),
    [
        ("qris", 150_000, "Cancelled. The money is on its way back."),
        ("va_bca", 150_000, "Cancelled. The gateway cannot give this money back: finance transfers it by hand."),
        ("qris", 9_000_000, "Cancelled. The refund waits for the approval of a second person."),
    ],
)
def test_a_cancelled_order_is_done_when_its_money_is_back_and_says_how_it_goes_there(
    method: str, amount: int, said: str
) -> None:
    order = charged("paid", method=method, amount=amount)
    action = by_hand(order, "cancel_order")
    work.drain("action")
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("accepted", said)
    assert retold(action.outcome).is_known
    cancel = ACTIONS["cancel_order@1"]
    facts = gather([order.pk])[order.pk]
    assert (cancel.holds(facts, 0), cancel.goes_on(facts, 0)) == (False, True)


def test_an_order_cancelled_before_it_was_paid_is_done_at_once() -> None:
    action = by_hand(make_order("awaiting_payment"), "cancel_order")
    work.drain("action")
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("fixed", "Cancelled.")


def test_a_worker_that_died_after_it_cancelled_is_followed_by_one_that_only_looks() -> None:
    order = charged("paid")
    action = by_hand(order, "cancel_order")
    cancel_order(order, actor=SARI, reason="it hangs")
    OperatorAction.objects.update(status="running")
    work.drain("action")
    action.refresh_from_db()
    assert action.status == "accepted"


@pytest.mark.parametrize(
    ("going", "over"),
    [(["sent"], []), (["unknown"], []), (["approved"], ["failed"]), ([], ["failed"]), ([], ["rejected"])],
)
def test_a_refund_goes_on_while_one_of_its_gateways_has_not_ended_it(going: list[str], over: list[str]) -> None:
    order = charged()
    attempt = order.attempts.get()
    for state in (*going, *over):
        make_refund(attempt, state, amount=1_000)
    facts = gather([order.pk])[order.pk]
    assert ACTIONS["refund@1"].goes_on(facts, 1_000) is bool(going)
    assert ACTIONS["refund@1"].holds(facts, 1_000) is False
