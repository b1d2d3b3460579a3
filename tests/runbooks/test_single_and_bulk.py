"""One rule for what a person does to one order and for rows of plans: each guard, met by both alike (ADR 0088)."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders.errors import NotAllowed, StaleState
from orders.models import OperatorAction, Order
from orders.services import actions, breakers, desk, ledger, locks, price, switches, work
from orders.services.actions import VERBS, Blocked
from runbooks import reasons
from runbooks.models import Run
from runbooks.registry import ACTIONS
from runbooks.services import approving
from tests.orders.making import make_attempt, make_order
from tests.runbooks.planning import BUDI, DEWI, SARI, by_hand, charged, did, go, held, plan_of, run_on, turn

pytestmark = pytest.mark.django_db


def in_bulk(order: Order, ref: str = "release_hold@1", *, proposer: str = SARI) -> str:
    """Why the row of a plan is left out, or what became of it once the plan was run."""
    plan = plan_of([order], ref, proposer=proposer)
    row = plan.rows.get()
    if row.why:
        return reasons.words(row.why, row.why_values)
    run_on(approving.start(plan, go(plan, proposer)))
    row.refresh_from_db()
    return reasons.words(row.why, row.why_values) or row.state


def refused(order: Order, name: str = "release_hold", **more: Any) -> str:
    """The sentence with which a single action is refused; nothing is left of it."""
    before = OperatorAction.objects.count()
    with pytest.raises(NotAllowed) as refusal:
        by_hand(order, name, **more)
    assert OperatorAction.objects.count() == before
    return str(refusal.value)


# The cool-down, both ways.


@pytest.mark.parametrize("status", ["fixed", "not_fixed", "unknown"])
def test_what_was_done_by_hand_just_now_stops_a_second_by_hand_and_a_row(status: str) -> None:
    order = charged()
    did(order, status=status)
    sentence = "user:dewi did the same by hand only 3 min ago."
    assert refused(order, "refund", params={"amount": 150_000}) == sentence
    assert in_bulk(order, "refund@1") == sentence.replace("user:", "")


def test_what_a_run_did_just_now_stops_a_second_by_hand_and_a_row() -> None:
    order = charged()
    did(order, plan="PL-AAAAAA")
    sentence = "The same was done by PL-AAAAAA only 3 min ago."
    assert refused(order, "refund", params={"amount": 150_000}) == sentence
    assert in_bulk(order, "refund@1") == sentence


def test_what_was_refused_or_is_long_past_stops_nobody() -> None:
    order = charged()
    did(order, status="refused")
    did(order, finished_at=timezone.now() - VERBS["refund"].cool_down)
    assert by_hand(order, "refund", params={"amount": 150_000}).status == "queued"


def test_the_refusal_names_the_first_action() -> None:
    order = charged()
    first = did(order)
    with pytest.raises(Blocked) as refusal:
        by_hand(order, "refund", params={"amount": 150_000})
    assert refusal.value.by.first == first


def test_what_failed_is_done_again_at_once_by_who_has_read_that_it_failed_and_by_nobody_else() -> None:
    order = charged()
    first = did(order, status="not_fixed")
    refused(order, "refund", params={"amount": 150_000}, seen=first.pk - 1)
    assert by_hand(order, "refund", params={"amount": 150_000}, seen=first.pk).status == "queued"


def test_what_came_out_well_is_not_done_again_whatever_was_read() -> None:
    order = charged()
    first = did(order)
    refused(order, "refund", params={"amount": 150_000}, seen=first.pk)


def test_the_cool_down_is_judged_again_when_a_row_goes() -> None:
    """The plan was made while nothing stood in the way; somebody was faster before its run came to the row."""
    order = charged()
    plan = plan_of([order], "refund@1")
    did(order)
    run_on(approving.start(plan, go(plan)))
    row = plan.rows.get()
    assert (row.state, row.action) == ("skipped", None)
    assert "did the same by hand" in reasons.words(row.why, row.why_values)


def test_a_part_of_an_order_cools_down_alone() -> None:
    order = make_order("awaiting_payment", customer_email="a@b.id", customer_phone="+62811")
    make_attempt(order, "open", link_url="https://pay.example/1")
    did(order, "send_link", params={"channel": "whatsapp"}, finished_at=timezone.now())
    refused(order, "send_link", params={"channel": "whatsapp"})
    assert by_hand(order, "send_link", params={"channel": "email"}).status == "queued"


# Switches.


@pytest.mark.parametrize("name", ["*", "release_hold"])
def test_a_switch_stops_both(name: str) -> None:
    single, bulk = held(), held()
    plan = plan_of([bulk], "release_hold@1")
    switches.turn(name, stop=True, known=["release_hold"], actor=BUDI, reason="wait")
    assert refused(single) == "Stopped by user:budi: wait"
    with pytest.raises(NotAllowed, match="Stopped by user:budi: wait"):
        approving.start(plan, go(plan))
    with pytest.raises(NotAllowed, match="Stopped by user:budi: wait"):
        desk.release(single, actor=SARI)
    assert Order.objects.filter(held_until__isnull=False).count() == 2
    assert not OperatorAction.objects.exists()


def test_what_was_asked_for_by_hand_and_stopped_before_it_began_is_not_done_hours_later() -> None:
    order = held()
    action = by_hand(order)
    switches.turn("*", stop=True, known=[], actor=BUDI, reason="wait")
    work.drain("action")
    switches.turn("*", stop=False, known=[], actor=BUDI, reason="go on")
    work.drain("action")
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("refused", "Stopped by user:budi: wait")
    assert Order.objects.get().held_until is not None


def test_a_switch_stops_what_waits_for_its_second_person() -> None:
    order = charged(amount=6_000_000)
    action = by_hand(order, "refund", params={"amount": 6_000_000})
    switches.turn("refund", stop=True, known=["refund"], actor=BUDI, reason="twice")
    with pytest.raises(NotAllowed, match="Stopped by user:budi: twice"):
        actions.approve(action, actor=BUDI)
    action.refresh_from_db()
    assert (action.status, action.approver) == ("awaiting_approval", "")


# The lock.


def test_a_run_keeps_its_order_from_both_and_from_the_desk() -> None:
    order = held()
    locks.take([locks.key_of(order.pk)], holder="PL-BBBBBB", by=DEWI)
    sentence = "PL-BBBBBB of user:dewi is working on this order."
    assert refused(order) == sentence
    assert in_bulk(order) == sentence.replace("user:", "")
    with pytest.raises(NotAllowed, match="PL-BBBBBB"):
        desk.release(order, actor=SARI)
    with pytest.raises(NotAllowed, match="PL-BBBBBB"):
        desk.hold(order, until=timezone.now() + timedelta(hours=1), actor=SARI, reason="x")
    assert Order.objects.get().hold_reason == "fraud check"


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_is_at_work_on_an_order_keeps_every_other_act_off_it(status: str) -> None:
    order = held()
    did(order, "recheck_payment", status, finished_at=None)
    sentence = "Something that user:dewi asked for is being done to this order. Wait for its result."
    assert refused(order) == sentence
    assert in_bulk(order) == sentence.replace("user:", "")


def test_what_waits_for_a_second_person_keeps_only_its_like_off() -> None:
    order = charged(held_until=timezone.now() + timedelta(hours=1))
    did(order, "refund", "awaiting_approval", finished_at=None)
    assert refused(order, "refund", params={"amount": 1}) == "user:dewi asked for the same already."
    assert in_bulk(order, "refund@1") == "dewi asked for the same already."
    assert by_hand(order).status == "queued"


def test_a_second_person_does_not_let_go_what_a_run_has_by_now() -> None:
    order = charged(amount=6_000_000)
    action = by_hand(order, "refund", params={"amount": 6_000_000})
    locks.take([locks.key_of(order.pk)], holder="PL-BBBBBB", by=DEWI)
    with pytest.raises(NotAllowed, match="PL-BBBBBB"):
        actions.approve(action, actor=BUDI)
    locks.let_go("PL-BBBBBB")
    actions.approve(action, actor=BUDI)


# Caps of an hour, and approval by risk.


def test_what_is_done_by_hand_counts_for_plans_and_the_other_way_round(settings: Any) -> None:
    settings.HOUR_MOST_MONEY = 300_000
    one, two, three = charged(), charged(), charged()
    by_hand(one, "refund", params={"amount": 150_000})
    assert price.within_hour(SARI) == (1, 150_000)
    first = plan_of([two], "refund@1")
    assert first.risk == "typed"
    approving.start(first, go(first))
    assert price.within_hour(SARI) == (2, 300_000)
    assert plan_of([three], "refund@1").risk == "second_person"
    assert by_hand(three, "refund", params={"amount": 150_000}).status == "awaiting_approval"
    assert plan_of([three], "refund@1", proposer=DEWI).rows.get().why == "in_hand"


def test_somebody_else_has_an_hour_of_their_own(settings: Any) -> None:
    settings.HOUR_MOST_ORDERS = 1
    by_hand(held())
    assert by_hand(held(), actor=DEWI).status == "queued"
    assert by_hand(held()).status == "awaiting_approval"


def test_what_waits_or_was_refused_is_not_counted() -> None:
    order = charged(amount=6_000_000)
    by_hand(order, "refund", params={"amount": 6_000_000})
    did(charged(), "refund", "refused", actor=SARI, params={"amount": 5})
    assert price.within_hour(SARI) == (0, 0)


@pytest.mark.parametrize(
    ("amount", "currency", "second"),
    [(4_999_999, "IDR", False), (5_000_000, "IDR", True), (100, "USD", True)],
)
def test_money_that_needs_two_in_a_plan_needs_two_by_hand(amount: int, currency: str, *, second: bool) -> None:
    order = charged(amount=amount, currency=currency)
    assert (plan_of([order], "refund@1").risk == "second_person") is second
    action = by_hand(order, "refund", params={"amount": amount})
    assert (action.status == "awaiting_approval") is second


# What was read.


@pytest.mark.parametrize("name", ["refund", "cancel_order"])
def test_money_that_came_after_the_dialog_was_read_stops_it_though_the_order_did_not_move(name: str) -> None:
    order = charged("paid" if name == "cancel_order" else "paid_after_close")
    seen = ledger.balance(order)
    again = make_attempt(order, "paid")
    ledger.charge(again, amount=10_000, at=timezone.now())
    with pytest.raises(StaleState):
        by_hand(order, name, params={"amount": 1} if name == "refund" else {}, balance=seen)
    assert not OperatorAction.objects.exists()
    assert by_hand(order, name, params={"amount": 1} if name == "refund" else {}, balance=seen + 10_000).pk


# Breakers and rates.


@pytest.fixture
def _midtrans_is_open(settings: Any) -> None:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.BREAKERS = {"midtrans": {"consecutive": 5, "open": 60.0, "probes": 1}}
    until = timezone.now() + timedelta(minutes=10)
    breakers.force("midtrans", "open", until=until, reason="refunds twice", actor=BUDI)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_midtrans_is_open")
def test_an_open_breaker_refuses_a_single_action_and_holds_a_row_back() -> None:
    order = charged()
    assert refused(order, "refund", params={"amount": 150_000}) == (
        "The breaker of Midtrans is open: nothing gets through."
    )
    plan = plan_of([order], "refund@1")
    run = turn(approving.start(plan, go(plan)))
    assert (run.waits_for, plan.rows.get().state) == ("midtrans", "planned")
    assert not OperatorAction.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_midtrans_is_open")
def test_cancelling_does_not_wait_for_a_gateway() -> None:
    assert by_hand(charged("paid"), "cancel_order").status == "queued"


def test_many_asked_for_by_hand_at_once_begin_one_after_another_at_the_rate() -> None:
    rate = int(VERBS["refund"].rate)
    orders = [charged() for _each in range(rate + 3)]
    dues = [by_hand(order, "refund", params={"amount": 1}).due_at for order in orders]
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(dues[rate - 1 :], dues[rate:], strict=False)]
    assert all(gap >= 1 / rate * 0.9 for gap in gaps[1:]), gaps
    assert dues[-1] > timezone.now()


def test_what_is_asked_for_by_hand_is_taken_from_the_rate_of_a_run() -> None:
    by = [charged() for _each in range(5)]
    plan = plan_of([charged() for _each in range(5)], "refund@1")
    run = approving.start(plan, go(plan))
    for order in by:
        by_hand(order, "refund", params={"amount": 1})
    Run.objects.filter(pk=run.pk).update(allowance=5)
    turn(run)
    assert plan.rows.filter(state="released").count() == 0
    OperatorAction.objects.update(created_at=timezone.now() - timedelta(seconds=2))
    turn(run)
    assert plan.rows.filter(state="released").count() == 1


def test_one_table_says_how_often_and_how_fast_for_both() -> None:
    for ref, action in ACTIONS.items():
        if action.verb:
            verb = VERBS[action.verb]
            assert (ref, action.rate, action.cool_down) == (ref, verb.rate, verb.cool_down)
