"""Cancelling an order, and having a link to pay by."""

import pytest
from django.db import transaction

from orders.models import Attempt, History, Order, Refund
from orders.states import AttemptState, OrderVerb
from orders.transitions import move
from tests.api.bodies import TAXI
from tests.api.conftest import problem
from tests.api.test_order_detail import end, paid
from tests.factories import make_attempt, make_order

pytestmark = pytest.mark.django_db
REASON = {"reason": "The customer changed plans"}


def test_an_unpaid_order_is_cancelled(api):
    order = make_order()
    answer = api.post(f"/orders/{order.public_id}/cancel", REASON)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    last = History.objects.filter(order_id=order.pk).latest("seq")
    assert (last.verb, last.actor, last.reason) == ("cancel", "channel:app", REASON["reason"])


def test_a_paid_order_is_cancelled_and_its_money_goes_back(api):
    order = paid(make_order())
    answer = api.post(f"/orders/{order.public_id}/cancel", REASON)
    assert (answer.json()["state"], answer.json()["payment"]["refunds_pending"]) == ("cancelled", 1)
    assert Refund.objects.get().amount == order.amount


def test_a_cancelled_order_stays_cancelled(api):
    order = make_order()
    api.post(f"/orders/{order.public_id}/cancel", REASON)
    before = History.objects.count()
    again = api.post(f"/orders/{order.public_id}/cancel", REASON)
    assert (again.status_code, again.json()["state"], History.objects.count()) == (200, "cancelled", before)


@pytest.mark.parametrize("verbs", [("pay", "book"), ("pay", "book", "confirm"), ("expire",)])
def test_an_order_past_that_point_is_not_cancelled_by_a_channel(api, verbs):
    order = make_order()
    for verb in verbs:
        with transaction.atomic():
            move(order, verb, actor="policy:test")
    before = History.objects.count()
    problem(api.post(f"/orders/{order.public_id}/cancel", REASON), "refused", 409)
    assert Order.objects.get().state == order.state
    assert History.objects.count() == before


@pytest.mark.parametrize("path", ["cancel", "payment-link"])
def test_nobody_acts_on_what_is_not_theirs(api, web, path):
    order = make_order()
    body = REASON if path == "cancel" else {}
    before = History.objects.count()
    problem(web.post(f"/orders/{order.public_id}/{path}", body), "order-not-found", 404)
    problem(api.post(f"/orders/MRG-0/{path}", body), "order-not-found", 404)
    assert (History.objects.count(), Attempt.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 201}, {"reason": "a\nb"}, {"reason": "ok", "x": 1}]
)
def test_a_cancellation_needs_a_reason(api, body):
    order = make_order()
    problem(api.post(f"/orders/{order.public_id}/cancel", body), "invalid", 422)
    assert Order.objects.get().state == "created"


def test_a_new_link_is_made_where_there_is_none(api, neighbours):
    order = make_order()
    answer = api.post(f"/orders/{order.public_id}/payment-link", {})
    assert (answer.status_code, answer.json()["payment"]["status"]) == (201, "link_open")
    assert answer.json()["payment"]["link"].startswith("http")
    assert order.attempts.count() == 1


def test_a_link_that_can_be_paid_is_not_made_twice(api, neighbours):
    made = api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).json()
    again = api.post(f"/orders/{made['id']}/payment-link", {})
    assert (again.status_code, again.json()["payment"]["link"]) == (200, made["payment"]["link"])
    assert Attempt.objects.count() == 1


def test_an_attempt_without_an_answer_is_waited_for_and_not_repeated(api, neighbours, control):
    control.faults("midtrans", timeout_after_success=1.0)
    made = api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).json()
    again = api.post(f"/orders/{made['id']}/payment-link", {})
    assert (again.status_code, again.json()["payment"]["status"]) == (202, "link_pending")
    assert again["Location"] == f"/api/v1/orders/active/{made['id']}"
    assert Attempt.objects.get().state == AttemptState.UNKNOWN


def test_no_gateway_answers_and_the_link_is_pending(api, neighbours, control, clock):
    order = make_order()
    for gateway in ("midtrans", "xendit", "nicepay"):
        control.faults(gateway, timeout_rate=1.0)
    with clock(less_than=3.0):
        answer = api.post(f"/orders/{order.public_id}/payment-link", {})
    assert (answer.status_code, answer.json()["payment"]["link"]) == (202, None)


def test_another_method_is_possible_once_the_link_has_ended(api, neighbours):
    order = make_order()
    attempt = make_attempt(order)
    with transaction.atomic():
        move(attempt, "cancel", actor="worker")
    answer = api.post(f"/orders/{order.public_id}/payment-link", {"method": "va_bca"})
    assert (answer.status_code, answer.json()["payment"]["method"]) == (201, "va_bca")
    assert order.attempts.latest("number").method == "va_bca"


def test_another_method_is_refused_while_the_link_lives(api, neighbours):
    made = api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).json()
    problem(api.post(f"/orders/{made['id']}/payment-link", {"method": "va_bca"}), "refused", 409)
    assert (Order.objects.get().method, Attempt.objects.count()) == ("qris", 1)


@pytest.mark.parametrize(
    "prepare", [lambda: end(make_order()), lambda: end(make_order(), OrderVerb.EXPIRE), lambda: paid(make_order())]
)
def test_where_nothing_is_to_be_paid_no_link_is_made(api, neighbours, prepare):
    order = prepare()
    before = Attempt.objects.count()
    problem(api.post(f"/orders/{order.public_id}/payment-link", {}), "refused", 409)
    assert Attempt.objects.count() == before
