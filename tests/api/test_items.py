"""The four services: what is taken, and what is refused with a pointer to the mistake."""

import pytest

from orders.models import Cart
from tests.api.bodies import AIRPORT, SUDIRMAN, at, delivery, rent, shuttle, taxi
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("_case", "make"),
    [
        ("now", taxi),
        ("later", lambda: taxi(pickup_at=at(hours=3), vehicle_class="premium", note="Lobby B")),
        ("six in a van", lambda: taxi(passengers=6, vehicle_class="van")),
        ("two days", rent),
        ("with another place to return to", lambda: rent(return_to=AIRPORT, with_driver=False)),
        ("by motorcycle", delivery),
        ("by van", lambda: delivery(vehicle_class="van", pickup_at=at(hours=1))),
        ("with a value", lambda: delivery(parcel={"weight_grams": 1, "description": "Ring", "value": {"amount": 5}})),
        ("seats", shuttle),
    ],
)
def test_a_valid_item_is_taken_with_its_details(api, neighbours, _case, make):
    item = make()
    kept = api.cart(item)["items"][0]
    assert (kept["service"], kept["pricing"]) == (item["service"], "live")
    sent = item["details"]
    assert {name: kept["details"][name] for name in sent if not name.endswith("_at")}.items() >= {
        name: value for name, value in sent.items() if not name.endswith("_at") and name != "parcel"
    }.items()


MISTAKES = [
    ("service", lambda: {"service": "plane", "details": {}}, "/service"),
    ("no service", lambda: {"details": {}}, "/service"),
    ("no details", lambda: {"service": "taxi"}, "/details"),
    ("unknown name", lambda: taxi(surge=2), "/details/surge"),
    ("unknown name outside", lambda: {**taxi(), "price": 1}, "/price"),
    ("unknown name deep", lambda: taxi(pickup={**SUDIRMAN, "zip": "1"}), "/details/pickup/zip"),
    ("latitude", lambda: taxi(pickup={**SUDIRMAN, "lat": 91}), "/details/pickup/lat"),
    ("longitude as text", lambda: taxi(pickup={**SUDIRMAN, "lng": "106"}), "/details/pickup/lng"),
    ("empty address", lambda: taxi(pickup={**SUDIRMAN, "address": "  "}), "/details/pickup/address"),
    ("same place", lambda: taxi(dropoff=SUDIRMAN), "/details"),
    ("no passengers", lambda: taxi(passengers=0), "/details/passengers"),
    ("passengers as text", lambda: taxi(passengers="2"), "/details/passengers"),
    ("half a passenger", lambda: taxi(passengers=1.5), "/details/passengers"),
    ("yes for a number", lambda: taxi(passengers=True), "/details/passengers"),
    ("five in a car", lambda: taxi(passengers=5), "/details"),
    ("class", lambda: taxi(vehicle_class="rocket"), "/details/vehicle_class"),
    ("past", lambda: taxi(pickup_at=at(hours=-1)), "/details/pickup_at"),
    ("too far ahead", lambda: taxi(pickup_at=at(days=400)), "/details/pickup_at"),
    ("no zone", lambda: taxi(pickup_at="2027-01-01T10:00:00"), "/details/pickup_at"),
    ("seconds since 1970", lambda: taxi(pickup_at=1_800_000_000), "/details/pickup_at"),
    ("no such day", lambda: taxi(pickup_at="2027-02-30T10:00:00Z"), "/details/pickup_at"),
    ("long note", lambda: taxi(note="x" * 201), "/details/note"),
    ("rent ends first", lambda: rent(end_at=at(days=1)), "/details"),
    ("rent too long", lambda: rent(end_at=at(days=40)), "/details"),
    ("rent too short", lambda: rent(end_at=at(days=2, hours=1)), "/details"),
    ("with a driver, perhaps", lambda: rent(with_driver="yes"), "/details/with_driver"),
    ("no weight", lambda: delivery(parcel={"description": "x"}), "/details/parcel/weight_grams"),
    ("weightless", lambda: delivery(parcel={"weight_grams": 0, "description": "x"}), "/details/parcel/weight_grams"),
    ("too heavy for it", lambda: delivery(parcel={"weight_grams": 20_001, "description": "x"}), "/details"),
    ("phone", lambda: delivery(sender={"name": "S", "phone": "call me"}), "/details/sender/phone"),
    (
        "currency",
        lambda: delivery(
            parcel={"weight_grams": 1, "description": "x", "value": {"amount": 1, "currency": "USD"}},
        ),
        "/details/parcel/value/currency",
    ),
    (
        "negative money",
        lambda: delivery(parcel={"weight_grams": 1, "description": "x", "value": {"amount": -1}}),
        "/details/parcel/value/amount",
    ),
    ("no seats", lambda: shuttle(seats=0), "/details/seats"),
    ("too many seats", lambda: shuttle(seats=11), "/details/seats"),
    ("same stop", lambda: shuttle(destination="BLOK M"), "/details"),
    ("control characters in a stop", lambda: shuttle(origin="Blok\x07M"), "/details/origin"),
]


@pytest.mark.parametrize(("_case", "make", "pointer"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES])
def test_a_mistake_is_pointed_at_and_the_cart_stays(api, _case, make, pointer):
    cart = api.cart()
    found = problem(api.post(f"/carts/{cart['id']}/items", make()), "invalid", 422)
    assert pointer in [error["pointer"] for error in found["errors"]], found["errors"]
    assert all(error["detail"] for error in found["errors"])
    assert Cart.objects.get().revision == 1


@pytest.mark.parametrize("body", [[], "taxi", 7, None, {"service": ["taxi"], "details": {}}])
def test_a_body_of_the_wrong_shape_is_invalid(api, body):
    cart = api.cart()
    raw = b"null" if body is None else body
    problem(api.post(f"/carts/{cart['id']}/items", raw), "invalid", 422)
    assert Cart.objects.get().revision == 1


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/carts", {}, "/city"),
        ("/carts", {"city": ""}, "/city"),
        ("/carts", {"city": "x" * 41}, "/city"),
        ("/carts", {"city": "Bali", "customer": {"id": "C", "name": "S", "phone": "1"}}, "/customer/phone"),
        ("/carts", {"city": "Bali", "a/b~c": 1}, "/a~1b~0c"),
        ("/orders", {"method": "cash", "cart_id": "x"}, "/method"),
        ("/orders", {"method": "qris", "cart_id": "x"}, "/cart_id"),
        ("/orders", {"method": "qris", "cart_id": "0" * 36, "revision": 0}, "/revision"),
    ],
)
def test_the_other_bodies_are_checked_alike(api, path, body, pointer):
    found = problem(api.post(path, body), "invalid", 422)
    assert pointer in [error["pointer"] for error in found["errors"]]
    assert not Cart.objects.exists()
