"""Prices and promos while their neighbours fail."""

import pytest
import redis

from orders.services import pricing
from tests.api.bodies import TAXI, at, rent, taxi

pytestmark = pytest.mark.django_db


def test_without_session_manager_a_new_fare_is_priced_later(api, neighbours, control):
    control.faults("session_manager", down=True)
    cart = api.cart(TAXI)
    item = cart["items"][0]
    assert (item["pricing"], item["price"], cart["pricing"]) == ("price_later", None, "price_later")
    assert cart["total"]["amount"] == 0


def test_the_last_known_price_of_the_same_fare_stands_in_and_is_marked(api, neighbours, control):
    known = api.cart(TAXI)["items"][0]["price"]
    control.faults("session_manager", error_rate=1.0)
    cart = api.cart(TAXI)
    assert (cart["items"][0]["price"], cart["items"][0]["pricing"]) == (known, "last_known")


@pytest.mark.parametrize(
    "other",
    [
        lambda: taxi(vehicle_class="premium"),
        lambda: taxi(dropoff={"address": "Bogor", "lat": -6.5971, "lng": 106.8060}),
        rent,
    ],
)
def test_another_fare_has_no_last_known_price(api, neighbours, control, other):
    api.cart(TAXI)
    control.faults("session_manager", down=True)
    assert api.cart(other())["items"][0]["pricing"] == "price_later"


def test_another_city_has_no_last_known_price(api, neighbours, control):
    api.cart(TAXI)
    control.faults("session_manager", down=True)
    assert api.cart(TAXI, city="Medan")["items"][0]["pricing"] == "price_later"


def test_a_longer_rent_is_not_sold_for_the_price_of_a_shorter_one(api, neighbours, control):
    api.cart(rent())
    control.faults("session_manager", down=True)
    assert api.cart(rent(end_at=at(days=20)))["items"][0]["pricing"] == "price_later"


def test_the_last_price_is_known_without_redis_and_in_another_process(api, neighbours, control, settings):
    known = api.cart(TAXI)["items"][0]["price"]
    control.faults("session_manager", down=True)
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    assert api.cart(TAXI)["items"][0]["price"] == known
    settings.REDIS_URL = address
    pricing._fares.clear()  # as in a process that has just started
    assert api.cart(TAXI)["items"][0]["price"] == known


def test_prices_are_asked_again_once_session_manager_is_back(api, neighbours, control):
    control.faults("session_manager", down=True)
    cart = api.cart(TAXI, taxi(passengers=3))
    still = api.post(f"/carts/{cart['id']}/prices").json()
    assert [item["pricing"] for item in still["items"]] == ["price_later", "price_later"]
    control.no_faults()
    priced = api.post(f"/carts/{cart['id']}/prices").json()
    assert [item["pricing"] for item in priced["items"]] == ["live", "live"]
    assert [item["id"] for item in priced["items"]] == [item["id"] for item in cart["items"]]
    assert priced["total"]["amount"] == sum(item["price"]["amount"] for item in priced["items"])


@pytest.mark.parametrize("fault", [{"down": True}, {"error_rate": 1.0}, {"timeout_rate": 1.0}, {"drip": 1.0}])
def test_a_promo_that_cannot_be_checked_is_skipped_and_said(api, neighbours, control, fault):
    cart = api.cart(TAXI)
    control.faults("promo", **fault)
    skipped = api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"}).json()
    assert (skipped["promo"]["status"], skipped["promo"]["discount"]["amount"]) == ("skipped", 0)
    assert skipped["promo"]["reason"]
    control.no_faults()
    assert api.post(f"/carts/{cart['id']}/prices").json()["promo"]["status"] == "applied"


def test_a_slow_session_manager_does_not_hold_the_customer(api, neighbours, control, clock):
    cart = api.cart()
    control.faults("session_manager", latency=20.0)
    with clock(less_than=2.5):
        later = api.post(f"/carts/{cart['id']}/items", TAXI).json()
    assert later["items"][0]["pricing"] == "price_later"


def test_a_memory_that_is_not_a_number_is_no_price(api, neighbours, control, settings):
    api.cart(TAXI)
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.keys(f"{pricing._key('')}*"):
        client.set(key, "9999999999|free")
    pricing._fares.clear()
    control.faults("session_manager", down=True)
    assert api.cart(TAXI)["items"][0]["pricing"] == "price_later"
