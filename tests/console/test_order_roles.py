"""Every role and every address of one order: who may, and that a refusal leaves no trace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from opsconsole.console.roles import RIGHT_BY_CODENAME
from orders.models import InboundEvent, OperatorAction, Order
from tests.console.order_world import (
    asked,
    counted,
    late_order,
    message_about,
    refused_order,
    transfer_of,
    waiting_order,
)
from tests.console.people import OUTSIDER, World

CLOSED_PORT = "http://127.0.0.1:9"

PEOPLE = ("sari", "dewi", "budi", "agus", "admin", OUTSIDER)
Form = Callable[[Order], dict[str, Any]]


@dataclass(frozen=True)
class Address:
    """One address below the order's. `grows` are the tables that get a row from who may."""

    method: str
    path: str
    rights: tuple[str, ...]
    form: Form = lambda order: {}
    grows: tuple[str, ...] = ()
    make: Callable[[], Order] = waiting_order

    def __str__(self) -> str:
        return f"{self.method} {self.path or '.'}"


def _get(path: str, *rights: str, make: Callable[[], Order] = waiting_order) -> Address:
    return Address("GET", path, rights, make=make)


def _post(path: str, *rights: str, form: Form = lambda order: {}, grows: tuple[str, ...] = (), **more: Any) -> Address:
    return Address("POST", path, rights, form, grows, **more)


ACTION = ("orders_operatoraction", "orders_history", "orders_outbox")
FACT = ("orders_history", "orders_outbox")
ADDRESSES = [
    _get("", "view_orders"),
    _get("peek/", "view_orders"),
    _get("actions/", "view_orders"),
    _post("truths/", "view_orders"),
    _get("messages/{message}/", "view_raw_messages"),
    _post("messages/{message}/open/", "view_raw_messages", "reveal_personal_data", grows=FACT),
    _post("reveal/", "reveal_personal_data", form=lambda order: {"field": "phone"}, grows=FACT),
    _post("take/", "assign_order", grows=FACT),
    _get("assign/", "assign_order"),
    _post("assign/", "assign_order", form=lambda order: {"owner": ""}, grows=FACT),
    _get("hold/", "hold_order"),
    _post("hold/", "hold_order", form=lambda order: {"span": "1800", "reason": "bank asked"}, grows=FACT),
    _post("release/", "hold_order", grows=FACT),
    _get("note/", "assign_order"),
    _post("note/", "assign_order", form=lambda order: {"text": "called, no answer"}, grows=FACT),
    _get("do/recheck_payment/", "recheck_payment"),
    _post("do/recheck_payment/", "recheck_payment", form=asked, grows=ACTION),
    _get("do/make_link/", "make_link"),
    _post("do/make_link/", "make_link", form=asked, grows=ACTION),
    _get("do/retry_booking/", "retry_booking"),
    _post("do/retry_booking/", "retry_booking", form=asked, grows=ACTION, make=late_order),
    _get("do/repost_ho/", "repost_ho"),
    _get("do/cancel_order/", "cancel_order"),
    _post("do/cancel_order/", "cancel_order", form=asked, grows=ACTION),
    _get("do/refund/", "refund_order", make=late_order),
    _post(
        "do/refund/",
        "refund_order",
        form=lambda order: asked(order, amount=order.amount, typed=str(order.amount)),
        grows=ACTION,
        make=late_order,
    ),
    _post("do/refund/warnings/", "view_orders"),
    _get("do/record_transfer/", "record_transfer", make=refused_order),
    _post(
        "do/record_transfer/",
        "record_transfer",
        form=lambda order: asked(order, **transfer_of(order)),
        grows=ACTION,
        make=refused_order,
    ),
    _get("do/echo/?typed=1.000&amount=1000", "view_orders"),
]


def _may(people: World, who: str, rights: tuple[str, ...]) -> bool:
    return all(people.users[who].has_perm(RIGHT_BY_CODENAME[right].permission) for right in rights)


def _call(client: Client, address: Address, order: Order, message: InboundEvent, **headers: str) -> Any:
    path = f"/orders/{order.public_id}/{address.path.format(message=message.pk)}"
    if address.method == "GET":
        return client.get(path, headers=headers)
    return client.post(path, address.form(order), headers=headers)


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    """Neighbours are away: what is asked here is who may ask."""
    settings.UPSTREAMS = {name: {"url": CLOSED_PORT, "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS}


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_who_may_and_what_it_leaves(people: World, address: Address) -> None:
    for who in PEOPLE:
        order = address.make()
        message = message_about(order)
        before = counted()
        answer = _call(people.client(who), address, order, message)
        grown = {name for name, count in counted().items() if count > before[name]}
        if _may(people, who, address.rights):
            assert (who, answer.status_code in {200, 302}, grown) == (who, True, set(address.grows))
        else:
            assert (who, answer.status_code, grown) == (who, 403, set())


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_nobody_gets_in_without_signing_in(people: World, address: Address) -> None:
    order = address.make()
    message = message_about(order)
    before = counted()
    answer = _call(Client(), address, order, message)
    assert (answer.status_code, answer["Location"].startswith("/sign-in/?")) == (302, True)
    assert counted() == before


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.method == "GET"], ids=str)
def test_looking_changes_nothing_also_for_a_fragment(people: World, address: Address) -> None:
    order = address.make()
    message = message_about(order)
    before = counted()
    for who in PEOPLE:
        answer = _call(people.client(who), address, order, message, **{"HX-Request": "true"})
        assert (who, answer.status_code in {200, 403}) == (who, True)
    assert counted() == before


@pytest.mark.parametrize("who", PEOPLE)
def test_the_page_offers_exactly_what_the_role_may(people: World, who: str) -> None:
    order = late_order()
    answer = people.client(who).get(f"/orders/{order.public_id}/")
    if who == OUTSIDER:
        assert answer.status_code == 403
        return
    html = answer.content.decode()
    for name, right in (("refund", "refund_order"), ("retry_booking", "retry_booking"), ("take", "assign_order")):
        path = f"/orders/{order.public_id}/{'take' if name == 'take' else f'do/{name}'}/"
        assert (f'action="{path}"' in html or f'href="{path}"' in html) is _may(people, who, (right,))


def test_taking_back_a_proposal_is_for_its_proposer(people: World) -> None:
    order = late_order(amount=6_000_000)
    people.client("sari").post(
        f"/orders/{order.public_id}/do/refund/", asked(order, amount=6_000_000, typed="6.000.000")
    )
    action = OperatorAction.objects.get()
    path = f"/orders/{order.public_id}/do/withdraw/{action.pk}/"
    for who in ("dewi", "budi", "agus", "admin", OUTSIDER):
        assert people.client(who).post(path).status_code == 404
        action.refresh_from_db()
        assert action.status == "awaiting_approval"
    people.client("sari").post(path)
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("refused", "taken back")
    page = people.client("sari").get(f"/orders/{order.public_id}/").content.decode()
    assert "took it back: Refund" in page
    assert "taken back, nothing done" in page
    assert "refused, nothing done" not in page


@pytest.mark.parametrize("path", ["", "peek/", "do/refund/", "hold/"])
def test_an_order_that_is_not_there_is_not_found(people: World, path: str) -> None:
    assert people.client("sari").get(f"/orders/MRG-0/{path}").status_code == 404


def test_a_message_of_another_order_is_not_found(people: World) -> None:
    order, other = waiting_order(), waiting_order()
    message = message_about(other)
    assert people.client("sari").get(f"/orders/{order.public_id}/messages/{message.pk}/").status_code == 404
