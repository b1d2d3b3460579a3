"""The inventory: goods are reserved by key, found by key, released by key; all of them or none."""

from typing import Any

import pytest

from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients import inventory
from orders.clients.inventory import Reservation
from orders.resilience import Answered, Refused, Retryable, Unknown
from orders.resilience.outcome import parsed
from tests.sandbox_fixtures import effects

pytestmark = pytest.mark.usefixtures("neighbours")

LINES = [{"sku": "MUG-1", "quantity": 2}, {"sku": "CAP-7", "quantity": 1}]


def reserve(key: str = "K-1", **given: Any) -> Any:
    return inventory.reserve("MRG-1", lines=given.pop("lines", LINES), idempotency_key=key, **given)


def reserved(outcome: Any) -> Reservation:
    assert isinstance(outcome, Answered), outcome
    assert isinstance(outcome.data, Reservation)
    return outcome.data


def test_goods_are_reserved_once_under_their_key_and_found_by_it(control: RemoteSandbox) -> None:
    first, second = reserved(reserve()), reserved(reserve())
    assert first == second
    assert (first.order_ref, first.state) == ("MRG-1", "reserved")
    assert reserved(inventory.ask_reservation("K-1")) == first
    assert inventory.ask_reservation("K/2?") == Answered(404, None)
    assert effects(control, "inventory") == ["reserved"]


def test_they_are_released_once_and_an_unknown_key_is_refused(control: RemoteSandbox) -> None:
    reserve()
    first, second = reserved(inventory.release("K-1")), reserved(inventory.release("K-1"))
    assert first.state == second.state == "released"
    refused = inventory.release("K-9")
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code) == (404, "not_found")
    assert effects(control, "inventory") == ["reserved", "released"]


def test_all_of_them_or_none_is_reserved(control: RemoteSandbox) -> None:
    refused = reserve(lines=[LINES[0], {"sku": "CAP-7", "quantity": 5_000}])
    assert isinstance(refused, Refused)
    assert refused.code == "out_of_stock"
    assert inventory.ask_reservation("K-1") == Answered(404, None)
    assert effects(control, "inventory") == []


def test_an_inventory_that_is_away_took_nothing_and_one_that_is_silent_may_have(control: RemoteSandbox) -> None:
    control.faults("inventory", down=True)
    assert isinstance(reserve(), Retryable)
    control.no_faults()
    control.plan("MRG-1", {"on": "reserve", "do": "timeout_after_success", "times": 3})
    assert isinstance(reserve(deadline=0.4), Unknown)
    assert reserved(inventory.ask_reservation("K-1")).state == "reserved"
    assert effects(control, "inventory") == ["reserved"]


@pytest.mark.parametrize("answer", [{}, {"reservation_id": 7, "status": "reserved", "order_ref": "x"}, [], None])
def test_an_answer_that_does_not_fit_is_no_answer(answer: Any) -> None:
    assert isinstance(parsed(Answered(200, answer), by=inventory._reservation), Unknown)
