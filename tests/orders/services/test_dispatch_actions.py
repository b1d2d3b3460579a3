"""What ends the waiting of an order in the dispatch queue: each verb in every state, and against real neighbours."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from opsconsole.sandbox.remote import RemoteSandbox
from orders.errors import NotAllowed
from orders.leases import claim_one
from orders.models import DispatchEntry, History, OperatorAction, Order, Posting, Refund, Saga, Step
from orders.services import actions, dispatch_desk, ledger, work
from orders.services.actions import Wish
from orders.services.dispatch_desk import Car
from orders.services.placing import cancel_order
from orders.states import DispatchState, OrderState, PostingState, RefundState, SagaState, StepState
from tests.orders.flow import drain, let_time_pass, pay, place
from tests.orders.making import make_dispatch, make_order, make_saga, make_step
from tests.sandbox_fixtures import Receiver, effects

pytestmark = pytest.mark.django_db

SARI, DEWI = "user:sari", "user:dewi"
CAR = Car("B 1234 MRG", "Agus", "081234567890")
ENDINGS = ("dispatch_by_hand", "customer_cancelled", "give_up_dispatch")


def ask(order: Order, name: str, *, actor: str = SARI, **params: Any) -> OperatorAction:
    order.refresh_from_db()
    wish = Wish(
        name=name,
        actor=actor,
        reason="no car is near",
        expected_version=order.version,
        key=uuid4().hex,
        params=params,
    )
    return actions.request(order, wish)


def did(order: Order, name: str, **given: Any) -> OperatorAction:
    action = ask(order, name, **given)
    work.drain("action")
    action.refresh_from_db()
    return action


@pytest.mark.parametrize("holder", [SARI, DEWI, ""])
@pytest.mark.parametrize("has_car", [True, False])
@pytest.mark.parametrize("state", list(DispatchState))
@pytest.mark.parametrize("name", [*ENDINGS, "send_to_dispatch"])
def test_who_may_ask_for_what_in_which_state(name: str, state: str, holder: str, *, has_car: bool) -> None:
    """Holding it is needed to end its waiting; sending it again needs that nobody else has it, and no car."""
    order = make_order("queued_for_dispatch")
    entry = make_dispatch(make_step(make_saga(order)), state, vehicle="B 1 A" if has_car else "")
    DispatchEntry.objects.filter(pk=entry.pk).update(claimed_by=holder if state == "claimed" else "")
    mine, free = (state, holder) == ("claimed", SARI), state == "waiting"
    expected = {
        "dispatch_by_hand": mine and has_car,
        "customer_cancelled": mine,
        "give_up_dispatch": mine,
        "send_to_dispatch": (mine or free) and not has_car,
    }
    try:
        ask(order, name, entry=entry.pk)
        allowed = True
    except NotAllowed:
        allowed = False
    assert allowed == expected[name]
    assert OperatorAction.objects.count() == allowed


def test_nothing_is_done_for_an_order_whose_booking_is_being_undone() -> None:
    order = make_order("queued_for_dispatch")
    entry = make_dispatch(make_step(make_saga(order, "compensating")), "claimed", claimed_by=SARI)
    for name in (*ENDINGS, "send_to_dispatch"):
        with pytest.raises(NotAllowed):
            ask(order, name, entry=entry.pk)
    assert OperatorAction.objects.count() == 0


def test_a_booking_is_not_retried_while_somebody_dispatches_by_hand() -> None:
    order = make_order("queued_for_dispatch")
    make_dispatch(make_step(make_saga(order)), "claimed", claimed_by=DEWI)
    with pytest.raises(NotAllowed, match="user:dewi dispatches it by hand"):
        ask(order, "retry_booking")


@pytest.fixture
def queued(neighbours: Any, control: RemoteSandbox, receiver: Receiver) -> Order:
    """TPG is away; the customer has paid with a card, which can be refunded."""
    control.faults("tpg", down=True)
    order = pay(place("card"), control, receiver)
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.QUEUED_FOR_DISPATCH
    return order


def held(order: Order, *, with_car: bool = False) -> DispatchEntry:
    entry = dispatch_desk.claim(order.dispatches.get(), actor=SARI)
    return dispatch_desk.assign(entry, CAR, actor=SARI) if with_car else entry


def told(order: Order) -> list[str]:
    return list(History.objects.filter(order_id=order.pk).order_by("seq").values_list("verb", flat=True))


def test_a_car_sent_by_hand_books_the_item_and_nobody_asks_the_dispatch_system(
    queued: Order, control: RemoteSandbox
) -> None:
    held(queued, with_car=True)
    action = did(queued, "dispatch_by_hand")
    assert (action.status, action.outcome) == ("fixed", "The order is now Active.")
    step = Step.objects.get(order=queued)
    assert (step.state, step.partner, step.partner_reference) == (StepState.DONE, "hand", "B 1234 MRG Agus")
    entry = queued.dispatches.get()
    assert (entry.state, entry.freed_at) == (DispatchState.DISPATCHED, None)
    assert {"claim", "assigned_by_hand", "dispatched_by_hand", "dispatch", "confirm"} <= set(told(queued))
    control.no_faults()
    let_time_pass()
    drain()
    assert "booked" not in effects(control, "tpg")


def test_the_result_waits_for_another_worker_who_carries_the_order_on(queued: Order) -> None:
    held(queued, with_car=True)
    assert claim_one(queued.sagas.get(), lease=timedelta(seconds=0.4))
    action = did(queued, "dispatch_by_hand")
    assert (action.status, action.outcome) == ("fixed", "The order is now Active.")


def test_a_trip_sent_by_hand_is_ended_by_hand_and_told_to_head_office(queued: Order) -> None:
    held(queued, with_car=True)
    did(queued, "dispatch_by_hand")
    assert did(queued, "end_trip").status == "fixed"
    drain()
    assert Posting.objects.get(order=queued).state == PostingState.RECORDED
    assert queued.dispatches.get().freed_at is not None
    with pytest.raises(NotAllowed):
        ask(queued, "end_trip")


def test_what_a_driver_by_phone_carries_is_not_undone_by_a_machine(queued: Order) -> None:
    """Who cancels was told to call the driver; a machine that turns back leaves it to a person."""
    held(queued, with_car=True)
    did(queued, "dispatch_by_hand")
    cancel_order(queued, actor="policy:test", reason="the other item is not to be had")
    drain()
    assert Step.objects.get(order=queued).state == StepState.UNDO_FAILED
    assert Saga.objects.get(order=queued).state == SagaState.NEEDS_HAND


def test_who_cancels_a_trip_sent_by_hand_has_called_the_driver(queued: Order) -> None:
    held(queued, with_car=True)
    did(queued, "dispatch_by_hand")
    did(queued, "cancel_order")
    drain()
    queued.refresh_from_db()
    assert queued.state == OrderState.CANCELLED
    assert Step.objects.get(order=queued).state == StepState.UNDONE
    assert ledger.balance(queued) == 0


@pytest.mark.parametrize(
    ("name", "state", "verb"),
    [
        ("customer_cancelled", OrderState.CANCELLED, "customer_cancelled"),
        ("give_up_dispatch", OrderState.FAILED, "dispatch_given_up"),
    ],
)
def test_an_order_without_a_car_ends_and_its_money_goes_back(queued: Order, name: str, state: str, verb: str) -> None:
    held(queued, with_car=True)
    did(queued, name)
    drain()
    queued.refresh_from_db()
    assert queued.state == state
    assert (Refund.objects.get(order=queued).state, ledger.balance(queued)) == (RefundState.SUCCEEDED, 0)
    entry = queued.dispatches.get()
    assert entry.state == DispatchState.WITHDRAWN
    assert entry.freed_at is not None
    assert told(queued).count(verb) == 1


def test_sending_it_again_finds_the_dispatch_system_back(queued: Order, control: RemoteSandbox) -> None:
    control.no_faults()
    action = did(queued, "send_to_dispatch")
    assert action.status == "fixed"
    assert queued.dispatches.get().state == DispatchState.DISPATCHED
    assert effects(control, "tpg").count("booked") == 1


def test_sending_it_again_in_vain_keeps_it_waiting_with_its_age(queued: Order) -> None:
    entered = Order.objects.values_list("entered_at", flat=True).get(pk=queued.pk)
    action = did(queued, "send_to_dispatch")
    assert (action.status, action.outcome) == ("not_fixed", "The order is now Queued for dispatch.")
    entry = queued.dispatches.get()
    assert entry.state == DispatchState.WAITING
    assert entry.due_at is not None
    assert Order.objects.values_list("entered_at", flat=True).get(pk=queued.pk) == entered


def test_the_machine_leaves_alone_what_a_person_holds(queued: Order, control: RemoteSandbox) -> None:
    held(queued)
    control.no_faults()
    let_time_pass()
    DispatchEntry.objects.update(due_at=None)
    drain()
    assert queued.dispatches.get().state == DispatchState.CLAIMED
    assert "booked" not in effects(control, "tpg")
