"""Writes that are sent again."""

import json
import re

import pytest
from django.db import connection

from orders.models import Cart, IdempotencyRecord, Order
from orders.services import idempotency
from orders.services.idempotency import OtherWrite, Replay, Reserved, Running
from tests.api.bodies import SARI, TAXI
from tests.api.conftest import Caller, problem

pytestmark = pytest.mark.django_db
PRINT = "f" * 64


def same(first, second):
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"]
    assert second.headers.get("Location") == first.headers.get("Location")


def test_the_same_write_is_answered_the_same_and_done_once(api):
    first = api.post("/carts", {"city": "Bali"}, key="k1")
    assert "Idempotency-Replayed" not in first
    same(first, api.post("/carts", {"city": "Bali"}, key="k1"))
    assert Cart.objects.count() == 1


def test_the_spelling_of_the_json_is_not_another_body(api):
    first = api.post("/carts", b'{"city":"Bali","customer":null}', key="k1")
    same(first, api.post("/carts", b'{ "customer": null,\n "city": "B\\u0061li" }', key="k1"))


@pytest.mark.parametrize("operation", ["item", "remove", "customer", "promo", "prices", "order", "cancel", "link"])
def test_every_write_can_be_sent_again(api, neighbours, operation):
    cart = api.cart(TAXI)
    path = f"/carts/{cart['id']}"
    order = api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).json()["id"]
    sends = {
        "item": ("POST", f"{path}/items", TAXI),
        "remove": ("DELETE", f"{path}/items/{cart['items'][0]['id']}", None),
        "customer": ("PUT", f"{path}/customer", SARI),
        "promo": ("PUT", f"{path}/promo", {"code": "HEMAT10"}),
        "prices": ("POST", f"{path}/prices", None),
        "order": ("POST", "/orders", {"cart_id": cart["id"], "method": "qris"}),
        "cancel": ("POST", f"/orders/{order}/cancel", {"reason": "changed plans"}),
        "link": ("POST", f"/orders/{order}/payment-link", {}),
    }
    first = api.send(*sends[operation], key="k1")
    assert first.status_code in {200, 201}
    before = list(Cart.objects.order_by("pk").values_list("revision", "body")), Order.objects.count()
    same(first, api.send(*sends[operation], key="k1"))
    assert (list(Cart.objects.order_by("pk").values_list("revision", "body")), Order.objects.count()) == before


def test_a_refusal_is_the_answer_too(api):
    cart = api.cart()
    wish = {"cart_id": cart["id"], "method": "qris"}
    first = api.post("/orders", wish, key="k1")
    problem(first, "cart-incomplete", 409)
    same(first, api.post("/orders", wish, key="k1"))
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/carts", {"city": "Medan"}), ("POST", "/carts", {"city": "Bali", "customer": SARI})],
)
def test_another_body_with_the_key_is_refused(api, method, path, body):
    first = api.post("/carts", {"city": "Bali"}, key="k1")
    problem(api.send(method, path, body, key="k1"), "idempotency-key-reused", 422)
    assert Cart.objects.count() == 1
    same(first, api.post("/carts", {"city": "Bali"}, key="k1"))


def test_another_operation_with_the_key_is_refused(api):
    cart = api.post("/carts", {"city": "Bali"}, key="k1").json()
    problem(api.put(f"/carts/{cart['id']}/customer", SARI, key="k1"), "idempotency-key-reused", 422)
    assert Cart.objects.get().revision == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "ключ", "x" * 201, "tab\there"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/carts", {"city": "Bali"}),
        ("DELETE", "/carts/{cart}/promo", None),
        ("POST", "/carts/{cart}/prices", None),
    ],
)
def test_a_write_without_a_usable_key_is_refused(api, key, method, path, body):
    cart = api.cart()
    path = path.format(cart=cart["id"])
    raw = json.dumps(body).encode() if body else b""
    headers = {"Authorization": f"Bearer {api.secret}", **({"Idempotency-Key": key} if key else {})}
    answer = api.client.generic(method, f"/api/v1{path}", raw, content_type="application/json", headers=headers)
    problem(answer, "idempotency-key-missing", 400)
    assert Cart.objects.get().revision == 1


def test_what_was_not_valid_leaves_the_key_free(api):
    problem(api.post("/carts", {"city": 7}, key="k1"), "invalid", 422)
    problem(api.post("/carts", b"{", key="k1"), "invalid-json", 400)
    assert not IdempotencyRecord.objects.exists()
    assert api.post("/carts", {"city": "Bali"}, key="k1").status_code == 201


def test_reads_need_no_key(api):
    cart = api.cart()
    answer = api.client.get(f"/api/v1/carts/{cart['id']}", headers={"Authorization": f"Bearer {api.secret}"})
    assert answer.status_code == 200


def test_a_key_belongs_to_one_token(api, web):
    api.post("/carts", {"city": "Bali"}, key="k1")
    assert web.post("/carts", {"city": "Medan"}, key="k1").status_code == 201


def test_a_write_whose_answer_is_not_there_yet_is_running(token):
    first = idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    assert isinstance(first, Reserved)
    assert idempotency.reserve(token[0], key="k1", fingerprint=PRINT) == Running()
    assert idempotency.reserve(token[0], key="k1", fingerprint="0" * 64) == OtherWrite()
    answer = Caller(token[1]).post("/carts", {"city": "Bali"}, key="k1")
    assert answer.status_code == 422  # the fingerprint above is no real write's


def test_the_lease_of_a_dead_process_is_taken_over_once(token):
    dead = idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    _age("1 minute")
    heir = idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    assert isinstance(heir, Reserved)
    assert heir.record_id == dead.record_id
    assert idempotency.reserve(token[0], key="k1", fingerprint=PRINT) == Running()
    with pytest.raises(idempotency.LostLease):
        idempotency.keep(dead, status=201, body="dead", headers={})
    idempotency.release(dead)
    idempotency.keep(heir, status=201, body="heir", headers={"Location": "/x"})
    found = idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    assert found == Replay(201, "heir", {"Location": "/x"})


def test_a_dead_lease_does_not_let_another_write_in(token):
    idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    _age("1 minute")
    assert idempotency.reserve(token[0], key="k1", fingerprint="0" * 64) == OtherWrite()


def test_a_released_key_is_free_and_a_kept_answer_is_not_released(token):
    first = idempotency.reserve(token[0], key="k1", fingerprint=PRINT)
    idempotency.release(first)
    second = idempotency.reserve(token[0], key="k1", fingerprint="0" * 64)
    assert isinstance(second, Reserved)
    idempotency.keep(second, status=200, body="x", headers={})
    idempotency.release(second)
    assert IdempotencyRecord.objects.get().status == 200


def test_answers_are_kept_for_seven_days(token, api):
    api.post("/carts", {"city": "Bali"}, key="old")
    api.post("/carts", {"city": "Bali"}, key="new")
    IdempotencyRecord.objects.filter(key="old").update(created_at="2026-01-01T00:00:00Z")
    assert idempotency.purge() == 1
    assert IdempotencyRecord.objects.get().key == "new"


def test_only_a_digest_of_the_request_is_kept(api):
    api.post("/carts", {"city": "Bali", "customer": SARI}, key="k1")
    assert re.fullmatch("[0-9a-f]{64}", IdempotencyRecord.objects.get().fingerprint)


def _age(by: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_idempotencyrecord SET lease_until = lease_until - %s::interval", [by])
