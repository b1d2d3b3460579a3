"""Goods: the checkout saga over a real broker, a real inventory and real gateways, and what it undoes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from opsconsole.management.commands.consumer import Reception
from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients import broker
from orders.consumers import CONSUMERS, queues
from orders.events import event_of
from orders.models import Cart, History, Order, Posting, Receipt, Refund, Saga, Step
from orders.services import checkout_saga, ledger, publishing, receiving
from orders.services.placing import Customer, NewItem, cancel_order
from orders.services.receiving import Verdict
from orders.states import OrderState, RefundState, SagaState, StepState
from tests.orders.events.conftest import streams  # noqa: F401 - the broker of a test
from tests.orders.flow import deliver, drain, let_time_pass, past
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("neighbours", "streams")]

GOODS = [NewItem("goods", 80_000, {"sku": "MUG-1", "quantity": 2, "name": "Mug"})]
NAMES = ["reserve inventory", "take payment", "create order", "clear cart"]
CHECKOUT = {"checkout": CONSUMERS["checkout"]}
Turn = Callable[[], None]


@pytest.fixture(autouse=True)
def _short_leases(settings: Any) -> None:
    """A step that is to be undone waits for the end of its lease: a second here, twelve in life."""
    settings.LEASE = settings.QUARANTINE = timedelta(seconds=1)


@pytest.fixture
def turn(receiver: Receiver) -> Iterator[Turn]:
    """One turn of everything: work, relay, broker, consumer, callbacks."""
    reception, publisher = Reception(CHECKOUT), broker.open_publisher(queues(CHECKOUT))
    receiving.subscribe(CHECKOUT)

    def once() -> None:
        drain()
        publishing.publish_batch(publisher)
        reception.turn()
        deliver(receiver)

    yield once
    reception.close()
    publisher.close()


def place(method: str = "card") -> Order:
    cart = Cart.objects.create(channel="app", body={"items": ["mug"]}, expires_at=timezone.now())
    customer = Customer(id="C-1", name="Ani", phone="+62811000111", email="ani@example.id")
    return checkout_saga.place(channel="app", customer=customer, items=GOODS, method=method, cart=cart)


def until(turn: Turn, condition: Callable[[], Any]) -> Any:
    def look() -> Any:
        turn()
        return condition()

    return wait_until(look, seconds=60, every=0.05)


def steps(order: Order) -> dict[str, str]:
    return dict(Step.objects.filter(order=order).order_by("number").values_list("name", "state"))


def state(order: Order) -> str:
    order.refresh_from_db()
    return order.state


def pay(order: Order, turn: Turn, control: RemoteSandbox) -> None:
    attempt = until(turn, lambda: order.attempts.filter(state="open").first())
    control.pay(attempt.reference)


def test_goods_are_reserved_paid_ordered_and_the_cart_is_cleared(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    assert (state(order), steps(order)) == (OrderState.CREATED, {"reserve inventory": "pending"})
    pay(order, turn, control)
    until(turn, lambda: state(order) == OrderState.COMPLETED)
    drain()

    assert steps(order) == dict.fromkeys(NAMES, StepState.DONE)
    assert Saga.objects.get(order=order).state == SagaState.SUCCEEDED
    assert effects(control, "inventory") == ["reserved"]
    assert Cart.objects.get(order=order).body["items"] == []
    assert (Posting.objects.get(order=order).amount, ledger.balance(order)) == (80_000, 80_000)


def test_nothing_is_done_before_its_command_came_back_from_the_broker(control: RemoteSandbox) -> None:
    order = place()
    let_time_pass()
    drain()
    assert (steps(order), effects(control, "inventory")) == ({"reserve inventory": "pending"}, [])


def test_an_event_that_comes_again_commands_nothing_twice(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    pay(order, turn, control)
    until(turn, lambda: state(order) == OrderState.COMPLETED)
    told = [event_of(row, order_id=order.public_id) for row in History.objects.filter(order_id=order.pk)]
    wanted = [event for event in told if event.kind in checkout_saga.WANTS]
    assert Receipt.objects.filter(consumer="checkout").count() == len(wanted)
    rows = History.objects.count()
    for event in wanted:
        assert receiving.receive("checkout", CONSUMERS["checkout"], event.body()) == Verdict.KNOWN
    # Also where the receipts are gone: the rows are judged, not the event alone.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_receipt")
    for event in wanted:
        assert receiving.receive("checkout", CONSUMERS["checkout"], event.body()) == Verdict.DONE
    assert (History.objects.count(), Step.objects.count()) == (rows, 4)
    assert effects(control, "inventory") == ["reserved"]


def test_goods_that_are_out_of_stock_cost_nobody_anything(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    control.plan(order.public_id, {"on": "reserve", "do": "reject", "code": "out_of_stock", "status": 409})
    until(turn, lambda: state(order) == OrderState.FAILED)
    assert steps(order) == {"reserve inventory": StepState.FAILED}
    assert Saga.objects.get(order=order).state == SagaState.COMPENSATED
    assert (order.attempts.count(), effects(control, "inventory")) == (0, [])


def test_nobody_pays_within_five_minutes_and_the_stock_is_released(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    until(turn, lambda: order.attempts.filter(state="open").exists())
    Saga.objects.update(deadline_at=past(), due_at=past())
    until(turn, lambda: state(order) == OrderState.FAILED)
    until(turn, lambda: not order.attempts.filter(state__in=("open", "unknown", "requested")).exists())
    assert effects(control, "inventory") == ["reserved", "released"]
    assert steps(order)["reserve inventory"] == StepState.UNDONE
    assert not Refund.objects.exists()


def test_a_paid_order_that_is_cancelled_is_undone_in_reverse(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    pay(order, turn, control)
    until(turn, lambda: state(order) == OrderState.PAID)
    cancel_order(order, actor="user:dewi", reason="customer called")
    until(turn, lambda: Saga.objects.get(order=order).state == SagaState.COMPENSATED)
    until(turn, lambda: Refund.objects.get(order=order).state == RefundState.SUCCEEDED)

    assert effects(control, "inventory") == ["reserved", "released"]
    undone = History.objects.filter(order_id=order.pk, machine="step", verb="finish_undo").order_by("seq")
    numbers = [Step.objects.get(pk=row.subject_id).number for row in undone]
    assert numbers == sorted(numbers, reverse=True)
    assert ledger.balance(order) == 0


def test_a_reservation_whose_answer_was_lost_is_found_and_not_made_twice(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    control.plan(order.public_id, {"on": "reserve", "do": "reset_after", "times": 3})

    def found() -> bool:
        let_time_pass()
        return order.attempts.filter(state="open").exists()

    until(turn, found)
    assert effects(control, "inventory") == ["reserved"]
    assert steps(order)["reserve inventory"] == StepState.DONE


def test_stock_that_cannot_be_released_is_a_persons_task(turn: Turn, control: RemoteSandbox) -> None:
    order = place()
    until(turn, lambda: order.attempts.filter(state="open").exists())
    control.faults("inventory", reject=1.0, only=["release"])
    Saga.objects.update(deadline_at=past(), due_at=past())
    until(turn, lambda: Saga.objects.get(order=order).state == SagaState.NEEDS_HAND)
    assert Saga.objects.get(order=order).cause == "undo_refused"
    assert effects(control, "inventory") == ["reserved"]
