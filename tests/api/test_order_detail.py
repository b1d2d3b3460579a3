"""Reading one order: active and history."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from orders.models import LedgerEntry, Order
from orders.services import ledger, placing
from orders.states import LedgerKind, OrderVerb
from orders.transitions import move
from tests.api.bodies import TAXI
from tests.api.conftest import problem
from tests.factories import make_attempt, make_order

pytestmark = pytest.mark.django_db


def end(order: Order, verb: str = OrderVerb.CANCEL) -> Order:
    with transaction.atomic():
        move(order, verb, actor="policy:test")
    return order


def paid(order: Order) -> Order:
    attempt = make_attempt(order)
    with transaction.atomic():
        move(attempt, "send", actor="worker")
        move(attempt, "pay", actor="gateway:midtrans")
        ledger.charge(attempt, amount=order.amount, at=timezone.now())
        move(order, OrderVerb.PAY, actor="gateway:midtrans")
    return order


def test_an_active_order_is_read_among_the_active_ones_only(api):
    order = make_order()
    assert api.get(f"/orders/active/{order.public_id}").json()["id"] == order.public_id
    found = problem(api.get(f"/orders/history/{order.public_id}"), "order-active", 404)
    assert found["location"] == f"/api/v1/orders/active/{order.public_id}"


def test_an_ended_order_is_read_in_the_history_only(api):
    order = end(make_order())
    detail = api.get(f"/orders/history/{order.public_id}").json()
    assert (detail["state"], detail["location"]) == ("cancelled", f"/api/v1/orders/history/{order.public_id}")
    found = problem(api.get(f"/orders/active/{order.public_id}"), "order-in-history", 404)
    assert found["location"] == detail["location"]


@pytest.mark.parametrize("place", ["active", "history"])
@pytest.mark.parametrize("name", ["MRG-0", "nothing", "x" * 300, "%27%20or%201=1", "ключ", "..%2f", "MRG-1%0a"])
def test_an_order_that_does_not_exist_is_not_found(api, place, name):
    kind = "not-found" if "%2f" in name else "order-not-found"
    problem(api.get(f"/orders/{place}/{name}"), kind, 404)


def test_another_channels_order_is_as_if_it_were_not_there(api, web):
    live, ended = make_order(), end(make_order())
    problem(web.get(f"/orders/active/{live.public_id}"), "order-not-found", 404)
    problem(web.get(f"/orders/history/{ended.public_id}"), "order-not-found", 404)
    assert api.get(f"/orders/active/{live.public_id}").status_code == 200


def test_an_imported_order_is_read_by_the_id_it_came_with(api):
    order = make_order(public_id="53cdb2fc8bc7dce0b6741e2150273451", origin="import", currency="BRL")
    detail = api.get(f"/orders/active/{order.public_id}").json()
    assert detail["total"] == {"amount": 50_000, "currency": "BRL"}


def test_the_payment_says_what_came_and_what_went_back(api):
    order = paid(make_order())
    payment = api.get(f"/orders/active/{order.public_id}").json()["payment"]
    assert (payment["status"], payment["paid"]["amount"], payment["refunds_pending"]) == ("paid", 50_000, 0)
    with transaction.atomic():
        placing.cancel_order(order, actor="channel:app", reason="plans", by_customer=True)
    payment = api.get(f"/orders/history/{order.public_id}").json()["payment"]
    assert (payment["status"], payment["refunds_pending"]) == ("paid", 1)
    attempt = order.attempts.get()
    LedgerEntry.objects.create(
        order=order,
        attempt=attempt,
        kind=LedgerKind.REFUNDED,
        amount=-50_000,
        currency="IDR",
        source_key="test",
        occurred_at=timezone.now(),
    )
    payment = api.get(f"/orders/history/{order.public_id}").json()["payment"]
    assert (payment["status"], payment["refunded"]["amount"]) == ("refunded", 50_000)


def test_a_link_is_told_only_while_it_can_be_paid(api, neighbours):
    made = api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).json()
    assert made["payment"]["link"]
    end(Order.objects.get())
    payment = api.get(f"/orders/history/{made['id']}").json()["payment"]
    assert (payment["status"], payment["link"], payment["link_expires_at"]) == ("none", None, None)


def test_the_same_order_is_not_sent_twice(api):
    order = make_order()
    first = api.get(f"/orders/active/{order.public_id}")
    again = api.get(f"/orders/active/{order.public_id}", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    paid(order)
    changed = api.get(f"/orders/active/{order.public_id}", **{"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["state"]) == (200, "paid")
    assert changed["ETag"] != first["ETag"]


def test_only_what_has_ended_may_be_kept_unasked(api):
    live, ended = make_order(), end(make_order())
    assert api.get(f"/orders/active/{live.public_id}")["Cache-Control"] == "private, no-cache"
    assert api.get(f"/orders/history/{ended.public_id}")["Cache-Control"] == "private, max-age=300"


def test_times_are_told_in_utc(api):
    order = make_order(promised_by=timezone.now() + timedelta(hours=1))
    detail = api.get(f"/orders/active/{order.public_id}").json()
    assert all(detail[name].endswith("Z") for name in ("since", "placed_at", "promised_by"))
