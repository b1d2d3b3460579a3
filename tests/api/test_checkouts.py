"""Goods from a cart to a paid order, over HTTP: the API, the broker, the inventory and the gateways."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opsconsole.management.commands.consumer import Reception
from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients import broker
from orders.consumers import CONSUMERS, queues
from orders.models import Attempt, Order, Saga
from orders.queries.order_page import memory_of, rows_of
from orders.queries.timeline import timeline
from orders.services import ledger, publishing, receiving
from orders.states import OrderState
from tests.api.bodies import MUG, TAXI
from tests.api.conftest import Caller, problem
from tests.orders.flow import deliver, drain, let_time_pass
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("neighbours")]

CHECKOUT = {"checkout": CONSUMERS["checkout"]}
Turn = Callable[[], None]


@pytest.fixture
def turn(receiver: Receiver, no_memories: None, live: Caller) -> Iterator[Turn]:
    """One turn of everything behind the API: relay, broker, consumer, workers, callbacks."""
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


def test_goods_that_a_promo_pays_in_full_are_checked_out_and_no_gateway_is_asked(
    live: Caller, turn: Turn, control: RemoteSandbox
) -> None:
    cart = live.cart(MUG)
    live.put(f"/carts/{cart['id']}/promo", {"code": "GRATIS"})
    made = live.post("/checkouts", {"cart_id": cart["id"], "method": "card"}).json()
    assert made["order"]["total"]["amount"] == 0

    until(turn, lambda: live.get(f"/checkouts/{made['id']}").json()["state"] == "succeeded")
    order = Order.objects.get()
    assert (order.state, order.attempts.count(), ledger.balance(order)) == (OrderState.COMPLETED, 0, 0)
    assert control.books("midtrans").get("payments", []) == []
    assert order.postings.count() == 0  # Head Office hears of money


def check_out(api: Caller, *items: Any, **more: Any) -> Any:
    return api.post("/checkouts", {"cart_id": api.cart(*items or [MUG])["id"], "method": "card", **more})


def until(turn: Turn, condition: Callable[[], Any]) -> Any:
    def look() -> Any:
        turn()
        return condition()

    return wait_until(look, seconds=60)


def test_a_cart_of_goods_is_checked_out(live: Caller, turn: Turn, control: RemoteSandbox) -> None:
    full = live.cart(MUG)
    cart = live.put(f"/carts/{full['id']}/promo", {"code": "HEMAT10"}).json()
    assert cart["total"]["amount"] < full["total"]["amount"]
    wish = {"cart_id": cart["id"], "method": "card", "revision": cart["revision"]}
    made = live.post("/checkouts", wish, key="once")
    found = made.json()
    assert (made.status_code, made["Retry-After"], found["state"]) == (202, "1", "running")
    assert made["Location"] == f"/api/v1/checkouts/{found['id']}"
    assert [(each["name"], each["state"]) for each in found["steps"]] == [("reserve_inventory", "pending")]
    assert (found["order"]["total"], found["order"]["payment"]["status"]) == (cart["total"], "link_pending")
    assert found["order"]["promo_code"] == "HEMAT10"

    again = live.post("/checkouts", wish, key="once")
    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (202, found, "true")
    assert live.post("/checkouts", wish).status_code == 200
    assert Order.objects.count() == Saga.objects.count() == 1

    def seen() -> dict[str, Any]:
        return dict(live.get(f"/checkouts/{found['id']}").json())

    until(turn, lambda: seen()["order"]["payment"]["link"])
    control.pay(Attempt.objects.get().reference)
    until(turn, lambda: seen()["state"] == "succeeded")
    done = seen()
    names = ["reserve_inventory", "take_payment", "create_order", "clear_cart"]
    assert [(each["name"], each["state"]) for each in done["steps"]] == [(name, "done") for name in names]
    assert (done["failure"], done["order"]["state"]) == ("", OrderState.COMPLETED)
    assert live.get(f"/carts/{cart['id']}").json()["items"] == []
    assert ledger.balance(Order.objects.get()) == cart["total"]["amount"]
    assert effects(control, "inventory") == ["reserved"]
    told = [line.sentence for line in timeline(rows_of(Order.objects.get()), memory_of(Order.objects.get()))]
    assert "Done: reserve the goods" in told
    assert not [sentence for sentence in told if "book" in sentence.lower()]


def test_inventory_down_a_checkout_waits_and_costs_nobody_anything(
    live: Caller, turn: Turn, control: RemoteSandbox
) -> None:
    control.faults("inventory", down=True)
    found = check_out(live).json()
    trip = live.post("/orders", {"cart_id": live.cart(TAXI)["id"], "method": "gopay"})
    assert (trip.status_code, trip.json()["payment"]["status"]) == (201, "link_open")
    for _turn in range(3):
        turn()
    assert live.get(f"/checkouts/{found['id']}").json()["state"] == "running"

    Saga.objects.update(deadline_at="2026-01-01T00:00:00Z")
    let_time_pass()
    until(turn, lambda: live.get(f"/checkouts/{found['id']}").json()["state"] == "compensated")
    undone = live.get(f"/checkouts/{found['id']}").json()
    assert undone["failure"]
    assert (undone["order"]["state"], undone["order"]["payment"]["status"]) == ("failed", "none")
    assert (effects(control, "inventory"), ledger.balance(Order.objects.get(public_id=found["id"]))) == ([], 0)

    control.no_faults()
    again = check_out(live).json()
    until(turn, lambda: live.get(f"/checkouts/{again['id']}").json()["order"]["payment"]["link"])
    assert effects(control, "inventory") == ["reserved"]


def test_what_cannot_be_checked_out_is_refused_and_nothing_is_made(live: Caller, web: Caller) -> None:
    problem(check_out(live, TAXI), "cart-incomplete", 409)
    problem(check_out(live, MUG, TAXI), "cart-incomplete", 409)
    mugs = {"cart_id": live.cart(MUG)["id"], "method": "card"}
    problem(live.post("/orders", mugs), "cart-incomplete", 409)
    problem(live.post("/checkouts", {**mugs, "revision": 99}), "cart-changed", 409)
    problem(live.post("/checkouts", {**mugs, "cart_id": str(uuid.uuid4())}), "cart-not-found", 404)
    problem(live.post("/checkouts", {**mugs, "method": "cash"}), "invalid", 422)
    problem(web.post("/checkouts", mugs), "cart-not-found", 404)
    assert Order.objects.count() == 0

    found = live.post("/checkouts", mugs).json()
    problem(live.post("/checkouts", {**mugs, "method": "qris"}), "cart-ordered", 409)
    problem(web.get(f"/checkouts/{found['id']}"), "checkout-not-found", 404)
    trip = live.post("/orders", {"cart_id": live.cart(TAXI)["id"], "method": "gopay"}).json()
    problem(live.get(f"/checkouts/{trip['id']}"), "checkout-not-found", 404)
