"""What an operation costs: exact numbers of statements, none of them for a session."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.bodies import SARI, TAXI, taxi
from tests.factories import make_order

pytestmark = pytest.mark.django_db
FRAME = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def statements(call: Any) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        answer = call()
    assert answer.status_code < 300, answer.content
    return [each["sql"] for each in seen.captured_queries if not each["sql"].startswith(FRAME)]


def test_reading_a_cart(api):
    cart = api.cart()
    api.get(f"/carts/{cart['id']}")  # now Redis has it
    assert len(statements(lambda: api.get(f"/carts/{cart['id']}"))) == 2  # token, revision


def test_reading_a_cart_without_redis(api, settings):
    settings.REDIS_URL = ""
    cart = api.cart()
    assert len(statements(lambda: api.get(f"/carts/{cart['id']}"))) == 2  # token, cart


@pytest.mark.parametrize("items", [1, 6])
def test_changing_a_cart_costs_the_same_however_full_it_is(live, neighbours, items):
    cart = live.cart(*[taxi(passengers=n % 4 + 1) for n in range(items)])
    path = f"/carts/{cart['id']}"
    # token, reservation, revision, update, answer
    assert len(statements(lambda: live.post(f"{path}/items", TAXI))) == 5
    assert len(statements(lambda: live.put(f"{path}/customer", SARI))) == 5


def test_making_a_cart(api):
    assert len(statements(lambda: api.post("/carts", {"city": "Bali"}))) == 4


def test_a_repetition_costs_three_statements(api):
    api.post("/carts", {"city": "Bali"}, key="k1")
    assert len(statements(lambda: api.post("/carts", {"city": "Bali"}, key="k1"))) == 3


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("place", ["active", "history"])
def test_a_list_costs_the_same_however_long_it_is(api, count, place):
    for _each in range(count):
        make_order()
    assert len(statements(lambda: api.get(f"/orders/{place}?limit=100"))) == 2  # token, page
    first = api.get("/orders/active?limit=1").json()["next_cursor"]
    if first:
        assert len(statements(lambda: api.get(f"/orders/active?cursor={first}"))) == 3  # and the place


def test_an_order_costs_six_statements(api):
    order = make_order(items=("taxi", "rent", "shuttle"))
    found = statements(lambda: api.get(f"/orders/active/{order.public_id}"))
    assert len(found) == 6  # token, order, items, attempts, ledger, refunds


def test_ordering_does_not_grow_with_the_items(api, neighbours):
    counts = []
    for items in (1, 6):
        cart = api.cart(*[TAXI] * items)
        wish = {"cart_id": cart["id"], "method": "qris"}
        counts.append(len(statements(lambda wish=wish: api.post("/orders", wish))))
    assert counts[0] == counts[1]


def test_no_statement_is_about_a_session_or_a_user(api):
    order = make_order()
    seen = statements(lambda: api.get(f"/orders/active/{order.public_id}"))
    assert not [sql for sql in seen if "django_session" in sql or "auth_user" in sql]
