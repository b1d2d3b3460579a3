"""From a cart to an order."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from opsconsole.api.schemas.orders import Method
from orders.clients.codes import METHODS
from orders.models import Attempt, Cart, History, Item, Order
from orders.queries.invariants import violations
from orders.services import pausing, placing
from orders.services.routing import PRIORITY
from tests.api.bodies import SARI, TAXI, delivery, rent, shuttle
from tests.api.conftest import problem
from tests.orders.flow import drain

pytestmark = pytest.mark.django_db


def counts() -> tuple[int, ...]:
    tables = (Order, Item, Attempt, History)
    return (*tuple(table.objects.count() for table in tables), Cart.objects.filter(order=None).count())


def wish(cart, **more):
    return {"cart_id": cart["id"], "method": "gopay", **more}


def test_an_order_has_what_the_cart_had_and_a_link(api, neighbours):
    cart = api.cart(TAXI, rent(), delivery(), shuttle())
    cart = api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"}).json()
    answer = api.post("/orders", wish(cart, revision=cart["revision"]))
    order = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == order["location"] == f"/api/v1/orders/active/{order['id']}"
    assert (order["state"], order["total"], order["promo_code"]) == ("awaiting_payment", cart["total"], "HEMAT10")
    assert [item["service"] for item in order["items"]] == ["taxi", "rent", "delivery", "shuttle"]
    assert [item["price"] for item in order["items"]] == [item["price"] for item in cart["items"]]
    assert [item["details"] for item in order["items"]] == [item["details"] for item in cart["items"]]
    assert (order["customer"], order["city"]) == (SARI, "Jakarta")
    payment = order["payment"]
    assert (payment["status"], payment["method"], payment["paid"]["amount"]) == ("link_open", "gopay", 0)
    assert payment["link"].startswith("http")
    assert api.get(f"/orders/active/{order['id']}").json() == order
    assert Order.objects.get().channel == "app"


def test_an_order_that_a_promo_pays_in_full_is_booked_and_no_gateway_is_asked(api, neighbours, control):
    """ADR 0119. A bank that takes its money back has nothing to take, so nothing waits for it."""
    cart = api.cart(TAXI)
    cart = api.put(f"/carts/{cart['id']}/promo", {"code": "GRATIS"}).json()
    assert cart["total"]["amount"] == 0

    made = api.post("/orders", wish(cart, method="va_permata")).json()
    assert (made["state"], made["payment"]["status"], made["payment"]["link"]) == ("paid", "none", None)
    drain()
    order = Order.objects.get()
    assert (order.state, order.attempts.count(), order.ledger.count()) == ("active", 0, 0)
    assert [control.books(name).get("payments", []) for name in PRIORITY] == [[], [], []]
    assert control.books("tpg")["effects"][0]["effect"] == "booked"
    paid = History.objects.get(order_id=order.pk, machine="order", verb="pay")
    assert (paid.actor, paid.reason) == ("policy:nothing-to-pay", "the promo covers the whole price")

    placing.cancel_order(order, actor="user:dewi", reason="changed plans")
    drain()
    order.refresh_from_db()
    assert (order.state, order.refunds.count()) == ("cancelled", 0)
    assert not violations()


def test_an_order_of_nothing_that_nobody_can_book_fails_and_owes_nothing(api, neighbours, control):
    control.faults("tpg", reject=1.0, reject_status=409, reject_code="no_vehicle", only=["book"])
    cart = api.cart(TAXI)
    api.put(f"/carts/{cart['id']}/promo", {"code": "GRATIS"})
    api.post("/orders", wish(cart))
    drain()
    order = Order.objects.get()
    assert (order.state, order.refunds.count()) == ("failed", 0)
    assert not violations()


def test_an_order_of_a_cart_is_found_again_under_another_key(api, neighbours):
    cart = api.cart(TAXI)
    first = api.post("/orders", wish(cart))
    second = api.post("/orders", wish(cart))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert Order.objects.count() == 1


def test_a_cart_is_not_ordered_again_in_another_way(api, neighbours):
    cart = api.cart(TAXI)
    order = api.post("/orders", wish(cart)).json()
    before = counts()
    found = problem(api.post("/orders", wish(cart, method="qris")), "cart-ordered", 409)
    assert found["location"].endswith(order["id"])
    assert counts() == before


@pytest.mark.parametrize(
    ("_case", "prepare", "kind", "status"),
    [
        ("no cart", lambda api: {"id": str(uuid.uuid4())}, "cart-not-found", 404),
        ("empty", lambda api: api.cart(), "cart-incomplete", 409),
        ("nobody's", lambda api: api.cart(TAXI, customer=None), "cart-incomplete", 409),
    ],
)
def test_a_cart_that_cannot_be_ordered_is_not(api, neighbours, _case, prepare, kind, status):
    cart = prepare(api)
    before = counts()
    problem(api.post("/orders", wish(cart)), kind, status)
    assert counts() == before


def test_a_cart_with_an_unknown_price_is_not_ordered(api, neighbours, control):
    control.faults("session_manager", down=True)
    cart = api.cart(TAXI)
    before = counts()
    problem(api.post("/orders", wish(cart)), "cart-incomplete", 409)
    assert counts() == before
    control.no_faults()
    api.post(f"/carts/{cart['id']}/prices")
    assert api.post("/orders", wish(cart)).status_code == 201


def test_a_last_known_price_is_ordered_and_noted(api, neighbours, control):
    api.cart(TAXI)
    control.faults("session_manager", down=True)
    control.faults("promo", down=True)
    cart = api.cart(TAXI)
    api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"})
    order = api.post("/orders", wish(cart)).json()
    assert order["notes"] == {"pricing_marked": [1], "promo_skipped": "HEMAT10"}
    assert order["total"] == cart["total"]
    assert order["promo_code"] == ""


def test_a_cart_that_changed_since_it_was_shown_is_not_ordered(api, neighbours):
    shown = api.cart(TAXI)
    api.post(f"/carts/{shown['id']}/items", TAXI)
    before = counts()
    problem(api.post("/orders", wish(shown, revision=shown["revision"])), "cart-changed", 409)
    assert counts() == before


def test_another_channels_cart_is_not_ordered(api, web, neighbours):
    cart = api.cart(TAXI)
    before = counts()
    problem(web.post("/orders", wish(cart)), "cart-not-found", 404)
    assert counts() == before


@pytest.mark.parametrize("fault", [{"down": True}, {"timeout_rate": 1.0}, {"drip": 1.0}, {"reject": 1.0}])
def test_the_order_exists_within_three_seconds_whatever_the_gateways_do(api, neighbours, control, clock, fault):
    cart = api.cart(TAXI)
    for gateway in PRIORITY:
        control.faults(gateway, **fault)
    with clock(less_than=3.0):
        answer = api.post("/orders", wish(cart, method="qris"))
    order = answer.json()
    assert (answer.status_code, order["state"], order["payment"]["status"]) == (201, "created", "link_pending")
    assert order["payment"]["link"] is None


def test_an_order_needs_no_neighbour_but_the_gateway(api, neighbours, control):
    cart = api.cart(TAXI)
    for name in ("session_manager", "promo", "config", "tpg", "ho", "notification"):
        control.faults(name, down=True)
    assert api.post("/orders", wish(cart)).json()["payment"]["status"] == "link_open"


def test_the_actor_in_the_history_is_the_channel(api, neighbours):
    api.post("/orders", wish(api.cart(TAXI)))
    birth = History.objects.get(machine="order", verb="create")
    assert birth.actor == "channel:app"


def test_the_methods_of_the_api_are_those_of_the_gateways():
    assert set(Method.__args__) == set(METHODS)


def test_a_mistake_of_ours_leaves_nothing_half_done(api, neighbours):
    """A trigger that fails stands for any mistake inside the transaction."""
    cart = api.cart(TAXI)
    before = counts()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_item ADD CONSTRAINT none_at_all CHECK (amount < 0) NOT VALID")
    key = uuid.uuid4().hex
    problem(api.post("/orders", wish(cart), key=key), "internal", 500)
    assert counts() == before
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_item DROP CONSTRAINT none_at_all")
    assert api.post("/orders", wish(cart), key=key).status_code == 201


def test_a_paused_channel_takes_no_orders_and_says_until_when(api, neighbours):
    cart, ordered = api.cart(TAXI), api.cart(TAXI)
    first = api.post("/orders", wish(ordered))
    before = counts()
    until = timezone.now() + timedelta(minutes=5)
    texts = {"message": "Sebentar ya.", "message_en": "One moment."}
    pausing.pause("app", until=until, reason="spike", actor="user:sari", **texts)
    key = uuid.uuid4().hex
    for language, words in (("id", "Sebentar ya."), ("en", "One moment.")):
        answer = api.send("POST", "/orders", wish(cart), key=key, **{"Accept-Language": language})
        found = problem(answer, "channel-paused", 503)
        assert (found["detail"], found["until"]) == (words, until.isoformat())
        assert 290 <= int(answer["Retry-After"]) <= 300
    assert counts() == (*before[:3], before[3] + 1, before[4])  # only the pause itself was written down
    assert api.post("/orders", wish(ordered)).json() == first.json()
    pausing.resume("app", reason="over", actor="user:sari")
    assert api.send("POST", "/orders", wish(cart), key=key).status_code == 201
