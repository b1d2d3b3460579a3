"""Carts over HTTP: every operation, and every refusal with nothing changed."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from orders.models import Cart
from orders.services import carts
from tests.api.bodies import SARI, TAXI, taxi
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db
EXPIRED_BY = timedelta(minutes=15, seconds=1)


def state() -> list[tuple]:
    return list(Cart.objects.order_by("created_at").values_list("revision", "body", "expires_at", "order_id"))


def test_a_new_cart_is_empty_and_says_where_it_is(api):
    answer = api.post("/carts", {"city": "Jakarta", "customer": SARI})
    cart = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v1/carts/{cart['id']}")
    assert (cart["revision"], cart["items"], cart["order_id"], cart["customer"]) == (1, [], None, SARI)
    assert cart["total"] == {"amount": 0, "currency": "IDR"}
    assert api.get(f"/carts/{cart['id']}").json() == cart


def test_an_item_is_priced_and_put_in(api, neighbours):
    cart = api.cart(TAXI, taxi(vehicle_class="van", passengers=6))
    assert [item["service"] for item in cart["items"]] == ["taxi", "taxi"]
    assert [item["pricing"] for item in cart["items"]] == ["live", "live"]
    assert all(item["price"]["amount"] > 10_000 for item in cart["items"])
    assert cart["total"]["amount"] == sum(item["price"]["amount"] for item in cart["items"])
    assert (cart["pricing"], cart["revision"]) == ("live", 3)
    assert cart["items"][0]["details"]["distance_km"] == pytest.approx(19.7, abs=0.1)


def test_an_item_is_taken_out(api, neighbours):
    cart = api.cart(TAXI, taxi(passengers=2))
    first, second = cart["items"]
    answer = api.delete(f"/carts/{cart['id']}/items/{first['id']}")
    assert (answer.status_code, answer.json()["items"]) == (200, [second])
    assert answer.json()["total"] == second["price"]


def test_customer_and_promo_are_set_and_taken_off(api, neighbours):
    cart = api.cart(TAXI, customer=None)
    assert cart["customer"] is None
    named = api.put(f"/carts/{cart['id']}/customer", SARI).json()
    assert named["customer"] == SARI
    cheaper = api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"}).json()
    discount = cheaper["promo"]["discount"]["amount"]
    assert (cheaper["promo"]["status"], discount > 0) == ("applied", True)
    assert cheaper["total"]["amount"] == cart["total"]["amount"] - discount
    again = api.delete(f"/carts/{cart['id']}/promo").json()
    assert (again["promo"]["status"], again["total"]) == ("none", cart["total"])


def test_the_promo_follows_what_is_in_the_cart(api, neighbours):
    cart = api.cart(TAXI)
    one = api.put(f"/carts/{cart['id']}/promo", {"code": "MRG25"}).json()
    two = api.post(f"/carts/{cart['id']}/items", taxi(passengers=2)).json()
    assert two["promo"]["discount"]["amount"] > one["promo"]["discount"]["amount"]
    back = api.delete(f"/carts/{cart['id']}/items/{two['items'][1]['id']}").json()
    assert back["promo"] == one["promo"]


def test_a_bad_promo_code_is_said_and_costs_nothing(api, neighbours):
    cart = api.cart(TAXI)
    answer = api.put(f"/carts/{cart['id']}/promo", {"code": "NOPE"})
    assert (answer.status_code, answer.json()["promo"]["status"]) == (200, "refused")
    assert answer.json()["promo"]["reason"] == "unknown_code"
    assert answer.json()["total"] == cart["total"]


WRITES = [
    ("POST", "/items", TAXI),
    ("DELETE", "/items/abc", None),
    ("PUT", "/customer", SARI),
    ("PUT", "/promo", {"code": "HEMAT10"}),
    ("DELETE", "/promo", None),
    ("POST", "/prices", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_cart_that_does_not_exist_is_not_changed(api, method, path, body):
    problem(api.send(method, f"/carts/{uuid.uuid4()}{path}", body), "cart-not-found", 404)
    assert state() == []


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_another_channels_cart_is_as_if_it_were_not_there(api, web, method, path, body):
    cart = api.cart()
    before = state()
    problem(web.send(method, f"/carts/{cart['id']}{path}", body), "cart-not-found", 404)
    problem(web.get(f"/carts/{cart['id']}"), "cart-not-found", 404)
    assert state() == before


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_an_expired_cart_is_gone(api, method, path, body):
    cart = api.cart()
    before = state()
    with time_machine.travel(timezone.now() + EXPIRED_BY):
        problem(api.send(method, f"/carts/{cart['id']}{path}", body), "cart-expired", 410)
        problem(api.get(f"/carts/{cart['id']}"), "cart-expired", 410)
    assert state() == before


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_an_ordered_cart_is_closed_and_says_what_it_became(api, neighbours, method, path, body):
    cart = api.cart(TAXI)
    order = api.post("/orders", {"cart_id": cart["id"], "method": "qris"}).json()
    before = state()
    found = problem(api.send(method, f"/carts/{cart['id']}{path}", body), "cart-ordered", 409)
    assert found["location"] == f"/api/v1/orders/active/{order['id']}"
    assert api.get(f"/carts/{cart['id']}").json()["order_id"] == order["id"]
    assert state() == before


def test_a_write_lengthens_the_life_of_a_cart_and_a_read_does_not(api):
    cart = api.cart()
    start = timezone.now()
    with time_machine.travel(start + timedelta(minutes=10)):
        assert api.get(f"/carts/{cart['id']}").json()["expires_at"] == cart["expires_at"]
        later = api.put(f"/carts/{cart['id']}/customer", SARI).json()
    assert later["expires_at"] > cart["expires_at"]
    with time_machine.travel(start + timedelta(minutes=24)):
        assert api.get(f"/carts/{cart['id']}").status_code == 200
    with time_machine.travel(start + timedelta(minutes=26)):
        problem(api.get(f"/carts/{cart['id']}"), "cart-expired", 410)


def test_an_item_that_is_not_in_the_cart_cannot_be_taken_out(api):
    cart = api.cart()
    before = state()
    problem(api.delete(f"/carts/{cart['id']}/items/nothing"), "item-not-found", 404)
    assert state() == before


def test_a_full_cart_takes_no_more(api):
    cart = api.cart()
    row = Cart.objects.get()
    row.body["items"] = [
        {"id": str(n), "service": "taxi", "details": {}, "fare": "x", "amount": 1, "pricing": "live"} for n in range(20)
    ]
    row.revision += 1
    row.save()
    problem(api.post(f"/carts/{cart['id']}/items", TAXI), "cart-full", 409)
    assert Cart.objects.get().revision == row.revision


def test_what_session_manager_does_not_sell_is_refused_in_its_words(api, neighbours, control):
    cart = api.cart()
    control.faults("session_manager", reject=1.0, reject_code="closed", reject_status=422)
    problem(api.post(f"/carts/{cart['id']}/items", TAXI), "not-served", 422)
    assert api.get(f"/carts/{cart['id']}").json() == cart


def test_carts_that_expired_long_ago_are_deleted_and_ordered_ones_stay(api, neighbours):
    kept = api.cart(TAXI)
    assert api.post("/orders", {"cart_id": kept["id"], "method": "qris"}).status_code == 201
    api.cart()
    assert carts.purge() == 0
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert carts.purge() == 1
    assert [str(row.pk) for row in Cart.objects.all()] == [kept["id"]]
