"""Booking with TPG and the partners: by key, found by key, cancelled by key."""

import pytest

from orders.clients import tpg
from orders.clients.registry import partner
from orders.resilience import Answered, Refused, Retryable, Unknown
from tests.sandbox_fixtures import effects, wait_until

pytestmark = pytest.mark.usefixtures("neighbours", "standing")
SERVICES = pytest.mark.parametrize(
    ("service", "name"), [("taxi", "tpg"), ("rent", "rent"), ("delivery", "delivery"), ("shuttle", "shuttle")]
)
ITEM = {"ref": "item-1", "from": "Monas", "to": "Kota Tua"}
LIMIT = 0.4


@pytest.fixture
def standing(sandbox, control):
    """Trips that do not move while a test looks at their booking."""
    control.speed(1)


def book(service="taxi", *, key="K-1", **given):
    return partner(service).book("MRG-1", item=ITEM, idempotency_key=key, **given)


@SERVICES
def test_an_item_is_booked_once_under_its_key(control, service, name):
    first, second = book(service), book(service)
    assert first.data == second.data
    assert first.data.holds
    assert (first.data.order_ref, first.data.item_ref, first.data.state) == ("MRG-1", "item-1", "booked")
    assert effects(control, name) == ["booked"]


def test_another_key_books_again(control):
    assert book(key="K-1").data.booking_id != book(key="K-2").data.booking_id
    assert effects(control, "tpg") == ["booked", "booked"]


def test_a_key_for_another_order_is_refused(control):
    book()
    refused = partner("taxi").book("MRG-2", item=ITEM, idempotency_key="K-1")
    assert isinstance(refused, Refused)
    assert refused.code == "key_reused"
    assert effects(control, "tpg") == ["booked"]


@SERVICES
def test_a_booking_is_found_by_its_key(service, name):
    booked = book(service).data
    assert partner(service).ask_booking("K-1").data == booked
    assert partner(service).ask_booking("K/2?") == Answered(404, None)


@SERVICES
def test_a_booking_is_cancelled_once(control, service, name):
    book(service)
    first, second = partner(service).cancel("K-1"), partner(service).cancel("K-1")
    assert first.data == second.data
    assert not first.data.holds
    assert effects(control, name) == ["booked", "cancelled"]


def test_what_was_never_booked_cannot_be_cancelled():
    refused = tpg.cancel("K-9")
    assert (refused.status, refused.code) == (404, "not_found")


def test_a_trip_that_has_ended_cannot_be_cancelled(control):
    book()
    control.trip("K-1", event="completed")
    assert tpg.cancel("K-1").code == "too_late"


@pytest.mark.parametrize("do", ["timeout_after_success", "reset_after"])
def test_a_booking_whose_answer_was_lost_is_found_by_asking(control, do):
    control.plan("MRG-1", {"neighbour": "tpg", "on": "book", "do": do})
    assert isinstance(book(deadline=LIMIT), Unknown)
    assert tpg.ask_booking("K-1").data.holds
    assert effects(control, "tpg") == ["booked"]


def test_a_booking_that_never_arrived_is_not_found(control):
    control.plan("MRG-1", {"neighbour": "tpg", "on": "book", "do": "timeout"})
    assert isinstance(book(deadline=LIMIT), Unknown)
    assert tpg.ask_booking("K-1") == Answered(404, None)


def test_a_booking_that_comes_late_is_found_later(control):
    control.plan("MRG-1", {"neighbour": "tpg", "on": "book", "do": "late_effect", "seconds": LIMIT + 0.2})
    assert isinstance(book(deadline=LIMIT), Unknown)
    assert tpg.ask_booking("K-1") == Answered(404, None)
    wait_until(lambda: tpg.ask_booking("K-1").data)


def test_a_booking_is_repeated_within_the_call_without_booking_twice(control):
    control.plan("item-1", {"neighbour": "tpg", "on": "book", "do": "error_after", "times": 1})
    assert isinstance(book(), Answered)
    assert effects(control, "tpg") == ["booked"]


def test_no_vehicle_is_a_refusal(control):
    control.plan("MRG-1", {"neighbour": "tpg", "on": "book", "do": "reject", "code": "no_vehicle"})
    refused = book()
    assert (refused.status, refused.code) == (422, "no_vehicle")
    assert effects(control, "tpg") == []


def test_tpg_down_means_that_nothing_happened(control):
    control.faults("tpg", down=True)
    assert isinstance(book(), Retryable)
    assert isinstance(tpg.vacant_vehicles("Jakarta", lat=-6.2, lng=106.8), Retryable)


def test_vacant_vehicles_come_nearest_first():
    vehicles = tpg.vacant_vehicles("Jakarta", lat=-6.2, lng=106.8).data
    assert len(vehicles) == 5
    assert [each.distance_m for each in vehicles] == sorted(each.distance_m for each in vehicles)
    assert tpg.vacant_vehicles("Jakarta", lat=-6.2, lng=106.8).data == vehicles


def test_vehicles_of_no_place_are_refused():
    assert isinstance(tpg.vacant_vehicles("", lat=-6.2, lng=106.8), Refused)


def test_a_partner_that_answers_nonsense_is_not_believed(settings, neighbours):
    settings.UPSTREAMS["tpg"]["url"] = neighbours["config"]
    assert isinstance(tpg.ask_booking("K-1"), Answered)
    settings.UPSTREAMS["tpg"]["url"] = f"{neighbours['config']}/v1/flags?"
    assert isinstance(tpg.ask_booking("K-1"), Unknown)
