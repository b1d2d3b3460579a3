"""Callbacks as the vendors send them: retries by their rules, and what goes wrong on the way."""

import json
from urllib.parse import parse_qsl

import pytest

from orders.clients import codes, partners, tpg
from orders.clients.gateway import Claim
from tests.orders.clients.attempts import attempt
from tests.sandbox_fixtures import wait_until

pytestmark = pytest.mark.usefixtures("neighbours")
GATEWAYS = pytest.mark.parametrize("name", codes.GATEWAYS)


def paid(control, name, **given):
    one = attempt(name, **given).open()
    control.pay(one.ref)
    return one


def states(control, name):
    return [row["state"] for row in control.books(name)["callbacks"]]


def settled(control, name):
    wait_until(lambda: states(control, name) and "pending" not in states(control, name))
    return states(control, name)


@GATEWAYS
def test_a_payment_is_told_once_when_it_is_acknowledged(control, receiver, name):
    paid(control, name)
    assert settled(control, name) == ["delivered"]
    assert receiver.paths() == [f"/callbacks/{name}"]


@GATEWAYS
@pytest.mark.parametrize("status", [503, 400, 429])
def test_a_callback_that_is_not_acknowledged_comes_again(control, receiver, name, status):
    receiver.statuses.extend([status, status])
    paid(control, name)
    assert settled(control, name) == ["delivered"]
    assert len(receiver.got) == 3
    assert len({each.body for each in receiver.got}) == 1


@pytest.mark.parametrize(("status", "times"), [(500, 2), (404, 3), (503, 5), (302, 1), (409, 6)])
def test_midtrans_gives_up_by_the_answer_it_gets(control, receiver, status, times):
    control.speed(100_000)
    receiver.statuses.extend([status] * 9)
    paid(control, "midtrans")
    assert settled(control, "midtrans") == ["given_up"]
    assert len(receiver.got) == times


def test_xendit_comes_six_times_again(control, receiver):
    control.speed(1_000_000)
    receiver.statuses.extend([500] * 9)
    paid(control, "xendit")
    assert settled(control, "xendit") == ["given_up"]
    assert len(receiver.got) == 7


@GATEWAYS
def test_a_dropped_callback_never_comes(control, receiver, name):
    control.faults(name, callbacks={"drop": 1})
    paid(control, name)
    assert settled(control, name) == ["dropped"]
    assert receiver.got == []


@GATEWAYS
def test_a_doubled_callback_comes_twice(control, receiver, name):
    control.faults(name, callbacks={"double": 1})
    paid(control, name)
    assert settled(control, name) == ["delivered", "delivered"]
    assert receiver.got[0].body == receiver.got[1].body


def test_a_delayed_callback_comes_after_the_next_one(control, receiver):
    control.plan("MRG-1", {"on": "callback", "do": "delay", "seconds": 600})
    late, prompt = paid(control, "xendit"), paid(control, "xendit", ref="MRG-2-1", order_ref="MRG-2")
    settled(control, "xendit")
    assert [json.loads(each.body)["external_id"] for each in receiver.got] == [prompt.ref, late.ref]


def test_reordered_callbacks_tell_the_end_before_the_beginning(control, receiver):
    one = attempt("midtrans", method="va_bca").open()
    control.plan(one.order_ref, {"on": "callback", "do": "reorder", "times": 1})
    control.pay(one.ref, outcome="pick")
    control.pay(one.ref)
    wait_until(lambda: len(receiver.got) == 2)
    told = [json.loads(each.body)["transaction_status"] for each in receiver.got]
    assert told == ["settlement", "pending"]


def test_a_reordered_callback_without_a_later_one_comes_in_the_end(control, receiver):
    control.faults("xendit", callbacks={"reorder": 1})
    paid(control, "xendit")
    assert settled(control, "xendit") == ["delivered"]


@GATEWAYS
def test_a_forged_callback_is_rightly_signed_and_says_the_opposite(control, receiver, name):
    control.faults(name, callbacks={"forge": 1})
    one = paid(control, name)
    settled(control, name)
    claims = [one.gateway.verify_callback(each.body, headers=each.headers) for each in receiver.got]
    assert all(isinstance(each, Claim) for each in claims)
    told = {codes.attempt_state(name, method="va_bca", code=each.code) for each in claims}
    assert len(claims) == 2
    assert "paid" in told
    assert told - {"paid"} <= {"expired", "reversed"}


def test_a_plan_concerns_one_order_only(control, receiver):
    control.plan("MRG-1", {"on": "callback", "do": "drop"})
    paid(control, "nicepay")
    paid(control, "nicepay", ref="MRG-2-1", order_ref="MRG-2")
    settled(control, "nicepay")
    assert [dict(parse_qsl(each.body.decode()))["referenceNo"] for each in receiver.got] == ["MRG-2-1"]


def test_an_unknown_customer_address_is_no_matter(control, receiver):
    """The application is away: the vendor tries again when it is back."""
    one = attempt("midtrans").open()
    control.speed(1)
    control.pay(one.ref)
    wait_until(lambda: receiver.got)


# Trips.


def events(receiver):
    return [json.loads(each.body)["event"] for each in receiver.got]


def test_a_trip_is_told_from_the_assignment_to_the_end(receiver):
    booked = tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K").data
    wait_until(lambda: "completed" in events(receiver))
    assert sorted(events(receiver)) == ["assigned", "completed", "picked_up"]
    assert set(receiver.paths()) == {"/callbacks/tpg"}
    facts = [tpg.verify_event(each.body, headers=each.headers) for each in receiver.got]
    assert {each.booking_id for each in facts} == {booked.booking_id}
    assert {(each.order_ref, each.item) for each in facts} == {("MRG-1", "i1")}
    assert len({each.event_id for each in facts}) == 3
    assert tpg.ask_booking("K").data.state == "completed"


@pytest.mark.parametrize("name", ["rent", "delivery", "shuttle"])
def test_partners_tell_of_their_trips_too(receiver, name):
    getattr(partners, name).book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    told = wait_until(lambda: receiver.got and receiver.got[0])
    assert told.path == f"/callbacks/partners/{name}"
    assert partners.verify_event(name, raw=told.body, headers=told.headers).event == "assigned"


def test_a_driver_can_cancel(control, receiver):
    control.plan("MRG-1", {"on": "trip", "do": "driver_cancels"})
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    wait_until(lambda: events(receiver) == ["cancelled_by_driver"])
    assert not tpg.ask_booking("K").data.holds


def test_a_trip_can_stand_still(control, receiver):
    control.plan("MRG-1", {"on": "trip", "do": "stuck"})
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    tpg.book("MRG-2", item={"ref": "i2"}, idempotency_key="L")
    wait_until(lambda: "completed" in events(receiver))
    assert {json.loads(each.body)["order_ref"] for each in receiver.got} == {"MRG-2"}
    assert tpg.ask_booking("K").data.state == "booked"


@pytest.mark.parametrize(
    ("fault", "told", "state"),
    [
        ("driver_cancels", ["assigned", "cancelled_by_driver"], "cancelled_by_driver"),
        ("stuck_trips", ["assigned", "picked_up"], "picked_up"),
    ],
)
def test_the_dice_can_end_a_trip_early(control, receiver, fault, told, state):
    control.faults("tpg", **{fault: 1})
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    partners.rent.book("MRG-2", item={"ref": "i2"}, idempotency_key="L")
    wait_until(lambda: any(b"completed" in each.body for each in receiver.got))
    assert sorted(json.loads(each.body)["event"] for each in receiver.got if each.path == "/callbacks/tpg") == told
    assert tpg.ask_booking("K").data.state == state


def test_a_plan_names_the_event_that_does_not_come(control, receiver):
    control.plan("MRG-1", {"on": "trip", "do": "driver_cancels", "code": "completed"})
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    wait_until(lambda: len(receiver.got) == 3)
    assert sorted(events(receiver)) == ["assigned", "cancelled_by_driver", "picked_up"]


def test_a_trip_never_goes_backwards(control, receiver):
    control.speed(100)
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    control.trip("K", event="picked_up")
    control.speed(100_000)
    tpg.book("MRG-2", item={"ref": "i2"}, idempotency_key="L")
    wait_until(lambda: tpg.ask_booking("L").data.state == "completed")
    wait_until(lambda: events(receiver).count("assigned") == 1)
    assert tpg.ask_booking("K").data.state == "picked_up"


def test_an_event_can_be_made_to_happen(control, receiver):
    control.speed(1)
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    control.trip("MRG-1", event="completed")
    wait_until(lambda: events(receiver) == ["completed"])


def test_a_cancelled_trip_does_not_go_on(control, receiver):
    control.speed(20)
    tpg.book("MRG-1", item={"ref": "i1"}, idempotency_key="K")
    tpg.cancel("K")
    tpg.book("MRG-2", item={"ref": "i2"}, idempotency_key="L")
    wait_until(lambda: receiver.got)
    assert {json.loads(each.body)["order_ref"] for each in receiver.got} == {"MRG-2"}
