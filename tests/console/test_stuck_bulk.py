"""One act on many orders: the ticked ones or all that match, undone or followed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsconsole.console.models import Bulk
from orders.models import History, OperatorAction, Order
from tests.console.people import World
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

BULK = "/orders/stuck/bulk/"
UNDO = f"{BULK}undo/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def stuck(**fields: Any) -> Order:
    order = make_order("paid", since=timezone.now() - timedelta(hours=1), **fields)
    make_attempt(order, "paid")
    return order


def act(client: Client, what: str, *orders: Order, **more: str) -> str:
    response = client.post(BULK, {"act": what, "order": [order.public_id for order in orders], **more}, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode() + response.headers.get("HX-Trigger", "")


def owners(*orders: Order) -> list[str | None]:
    found = Order.objects.in_bulk([order.pk for order in orders])
    return [owner.username if (owner := found[order.pk].owner) else None for order in orders]


def token(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


def test_a_recheck_is_one_action_an_order_through_the_same_service(sari: Client) -> None:
    orders = [stuck(), stuck()]
    imported = stuck(origin="import")

    html = act(sari, "recheck_payment", *orders, imported)

    actions = OperatorAction.objects.order_by("order_id")
    assert [(action.order_id, action.name, action.actor, action.status) for action in actions] == [
        (order.pk, "recheck_payment", "user:sari", "queued") for order in orders
    ]
    row = Bulk.objects.get()
    assert (row.asked, row.skipped) == (3, [[imported.public_id, "An imported order has no gateway to ask."]])
    assert "Re-check payment: 0 of 2 done · 1 left out" in re.sub(r"\s+", " ", html)
    assert History.objects.filter(verb="action_requested").count() == 2


def test_its_page_shows_what_became_of_each_and_the_toast_follows(sari: Client, people: World) -> None:
    orders = [stuck(), stuck()]
    act(sari, "recheck_payment", *orders, stuck(origin="import"))
    row = Bulk.objects.get()
    first, second = OperatorAction.objects.order_by("pk")
    OperatorAction.objects.filter(pk=first.pk).update(status="fixed", outcome="T-1-1: already paid")

    html = people.client("agus").get(f"/orders/bulk/{row.key}/").content.decode()
    assert "1 of 2 done · 1 fixed · 1 left out" in re.sub(r"\s+", " ", html)
    assert "already Paid" in html
    assert "An imported order has no gateway to ask." in html
    assert "Sari Wulandari" in html
    assert "data-live" in html.partition('id="bulk"')[2][:80]

    OperatorAction.objects.filter(pk=second.pk).update(status="refused", outcome="the order has changed")
    toast = sari.get(f"/orders/bulk/{row.key}/?toast=1", headers=HTMX).content.decode()
    assert "2 of 2 done · 1 refused, nothing done · 1 fixed" in re.sub(r"\s+", " ", toast)
    assert "data-live" not in toast


def test_asking_twice_asks_once(sari: Client) -> None:
    order = stuck()
    act(sari, "recheck_payment", order)
    act(sari, "recheck_payment", order)
    assert OperatorAction.objects.count() == 1
    assert [row.asked - len(row.skipped) for row in Bulk.objects.order_by("created_at")] == [1, 0]


def test_taking_orders_can_be_undone(sari: Client, people: World) -> None:
    free, hers, mine = stuck(), stuck(owner=people.users["dewi"]), stuck(owner=people.users["sari"])

    html = act(sari, "mine", free, hers, mine)

    assert "3 orders are Sari Wulandari&#x27;s now." in html
    assert owners(free, hers, mine) == ["sari"] * 3
    assert "order-moved" in html
    undone = sari.post(UNDO, {"token": token(html)}, headers=HTMX).content.decode()
    assert "2 orders taken back." in undone
    assert owners(free, hers, mine) == [None, "dewi", "sari"]


def test_undoing_leaves_alone_what_somebody_changed_since(sari: Client, people: World) -> None:
    orders = [stuck(), stuck()]
    html = act(sari, "mine", *orders)
    Order.objects.filter(pk=orders[0].pk).update(owner=people.users["dewi"])
    undone = sari.post(UNDO, {"token": token(html)}, headers=HTMX).content.decode()
    assert "1 order taken back. 1 was changed by somebody else meanwhile and is left alone." in undone
    assert owners(*orders) == ["dewi", None]


def test_an_undo_is_its_persons_own_and_ends(sari: Client, people: World, time_machine: Any) -> None:
    order = stuck()
    offer = token(act(sari, "mine", order))
    refused = people.client("dewi").post(UNDO, {"token": offer}, headers=HTMX)
    assert "The time to undo is over" in refused.headers["HX-Trigger"]
    time_machine.move_to(timezone.now() + timedelta(seconds=20), tick=True)
    assert "The time to undo is over" in sari.post(UNDO, {"token": offer}, headers=HTMX).headers["HX-Trigger"]
    assert owners(order) == ["sari"]
    assert sari.get(UNDO).content == b""


def test_orders_are_handed_to_a_colleague_or_to_nobody(sari: Client, people: World) -> None:
    order = stuck()
    dewi = people.users["dewi"]
    assert "1 order is Dewi Anggraini&#x27;s now." in act(sari, "assign", order, owner=str(dewi.pk))
    assert owners(order) == ["dewi"]
    assert "1 order is nobody&#x27;s now." in act(sari, "assign", order, owner="")
    assert owners(order) == [None]
    auditor = people.users["agus"]
    assert "cannot take orders" in act(sari, "assign", order, owner=str(auditor.pk))
    assert owners(order) == [None]


def test_a_hold_needs_a_reason_and_can_be_undone(sari: Client) -> None:
    orders = [stuck(), stuck()]
    assert "A hold needs a time and a reason" in act(sari, "hold", *orders, span="7200", reason=" ")
    assert not Order.objects.filter(held_until__isnull=False).exists()

    html = act(sari, "hold", *orders, span="7200", reason="fraud check")
    held = Order.objects.order_by("pk").values_list("held_until", "hold_reason")
    assert {reason for _until, reason in held} == {"fraud check"}
    assert all(abs(until - timezone.now() - timedelta(hours=2)) < timedelta(minutes=1) for until, _reason in held)
    assert "2 orders taken back." in sari.post(UNDO, {"token": token(html)}, headers=HTMX).content.decode()
    assert not Order.objects.filter(held_until__isnull=False).exists()


def test_all_that_match_are_taken_by_their_filter_whatever_is_on_the_page(sari: Client) -> None:
    bali = [stuck(city="Bali") for _each in range(60)]
    medan = stuck(city="Medan")
    html = act(sari, "mine", bali[0], medan, all="1", query="city=Bali")
    assert "60 orders are" in html
    assert set(owners(*bali)) == {"sari"}
    assert owners(medan) == [None]


def test_too_many_are_refused_and_nothing_changes(sari: Client, settings: Settings) -> None:
    orders = [stuck() for _each in range(3)]
    settings.BULK_MOST = 2
    for more in ({}, {"all": "1", "query": ""}):
        said = act(sari, "mine", *orders, **more)
        assert "3 orders match; at most 2 at a time." in said
    assert owners(*orders) == [None] * 3


def test_nothing_selected_does_nothing(sari: Client) -> None:
    assert "Nothing is selected" in act(sari, "mine")
    assert "Nothing matches any more" in act(sari, "mine", all="1", query="city=Nowhere")


@pytest.mark.parametrize(
    ("who", "what"),
    [("agus", "recheck_payment"), ("agus", "mine"), ("admin", "assign"), ("admin", "hold"), ("tono", "mine")],
)
def test_who_has_no_right_changes_nothing(people: World, who: str, what: str) -> None:
    order = stuck()
    form = {"act": what, "order": [order.public_id], "span": "7200", "reason": "x", "owner": ""}
    assert people.client(who).post(BULK, form).status_code == 403
    assert not OperatorAction.objects.exists()
    assert not Bulk.objects.exists()
    assert owners(order) == [None]
    assert not Order.objects.filter(held_until__isnull=False).exists()


def test_there_is_no_other_act(sari: Client) -> None:
    assert sari.post(BULK, {"act": "refund"}).status_code == 400


def test_without_a_script_it_answers_with_pages(sari: Client) -> None:
    order = stuck()
    form = {"order": [order.public_id], "back": "/orders/stuck/?city=Bali"}
    assert sari.post(BULK, {**form, "act": "mine"}).headers["Location"] == "/orders/stuck/?city=Bali"
    response = sari.post(BULK, {**form, "act": "recheck_payment"})
    assert response.headers["Location"] == f"/orders/bulk/{Bulk.objects.get().key}/"
    elsewhere = sari.post(BULK, {**form, "act": "mine", "back": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/"
