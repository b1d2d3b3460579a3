"""One order's page: what it says, to whom, and that it keeps quiet where nothing changed."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from opsconsole.console.order_page import stage_of
from orders.models import Order
from orders.queries.order_page import rows_of
from orders.services import desk
from orders.states import OrderState, OrderVerb
from orders.transitions import lock, move
from tests.console.order_world import fresh, late_order, message_about, old, paid_order, waiting_order
from tests.console.people import World
from tests.factories import make_attempt, make_order

HTMX = {"HX-Request": "true"}


def _html(answer: HttpResponse) -> str:
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def _page(people: World, order: Order, who: str = "sari", query: str = "", **headers: str) -> str:
    answer = people.client(who).get(f"/orders/{order.public_id}/{query}", headers=headers)
    assert answer.status_code == 200
    return _html(answer)


def test_a_hanging_order_says_why_and_offers_one_filled_button(people: World) -> None:
    html = _page(people, old(waiting_order()))
    assert "Callback lost" in html
    assert "limit 30m" in html
    assert html.count('data-kind="primary"') == 1
    assert 'data-kind="primary" data-key="r">Re-check payment' in html


def test_who_may_not_take_the_next_step_reads_who_may(people: World) -> None:
    html = _page(people, old(waiting_order()), "agus")
    assert "Next:" in html
    assert "On-call, Customer service, Finance" in html
    assert 'data-kind="primary"' not in html


def test_an_order_that_does_not_hang_says_whose_move_it_is(people: World) -> None:
    html = _page(people, waiting_order(expires_at=timezone.now() + timedelta(minutes=15)))
    assert "The customer&#x27;s move" in html
    assert 'data-kind="primary"' not in html


def test_an_action_that_is_not_possible_says_why(people: World) -> None:
    html = _page(people, waiting_order())
    assert "There is no money to give back." in html
    assert "There is nothing to book: the order is Awaiting payment." in html


def test_customer_service_reads_what_to_tell_in_both_languages(people: World) -> None:
    html = _page(people, old(waiting_order()), "dewi")
    sentences = dict(re.findall(r'<p id="say-(id|en)" lang="(?:id|en)">([^<]+)</p>', html))
    assert "pembayaran" in sentences["id"]
    assert "payment" in sentences["en"]
    assert "Tell the customer" not in _page(people, old(waiting_order()), "budi")


@pytest.mark.parametrize(("who", "name"), [("sari", "Ani Rahma"), ("agus", "A••• R•••")])
def test_personal_data_is_masked_by_role(people: World, who: str, name: str) -> None:
    order = waiting_order(customer_name="Ani Rahma", customer_phone="+628111222333", customer_email="ani@example.id")
    html = _page(people, order, who)
    assert name in html
    assert "+628111222333" not in html
    assert "ani@example.id" not in html
    assert ("Show" in html) is (who == "sari")


def test_a_look_at_a_phone_number_is_on_the_timeline(people: World) -> None:
    order = waiting_order(customer_phone="+628111222333")
    path = f"/orders/{order.public_id}/reveal/"
    answer = people.client("dewi").post(path, {"field": "phone"}, headers=HTMX)
    assert "+628111222333" in _html(answer)
    assert "looked at the customer&#x27;s phone number" in _page(people, order)


def test_only_fields_of_the_customer_can_be_revealed(people: World) -> None:
    order = waiting_order()
    answer = people.client("dewi").post(f"/orders/{order.public_id}/reveal/", {"field": "password"})
    assert answer.status_code == 404


def test_a_raw_message_is_readable_and_masked(people: World) -> None:
    order = waiting_order()
    message = message_about(order)
    path = f"/orders/{order.public_id}/messages/{message.pk}/"
    found = re.search(r"<pre[^>]*>(.*?)</pre>", people.client("agus").get(path).content.decode(), re.DOTALL)
    assert found is not None
    body = json.loads(unescape(found[1]))
    assert body["customer_details"] == {"email": "a•••@example.id", "phone": "+628••••••234", "first_name": "A•••"}
    opened = _html(people.client("sari").post(f"{path}open/", headers=HTMX))
    assert "ani@example.id" in opened
    assert "raw messages" in _page(people, order)


def test_bytes_that_are_nothing_are_shown_all_the_same(people: World) -> None:
    order = waiting_order()
    message = message_about(order)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_inboundevent SET raw = %s WHERE id = %s", [b"\xff<b>call +628111222333", message.pk]
        )
    html = _html(people.client("sari").get(f"/orders/{order.public_id}/messages/{message.pk}/", headers=HTMX))
    assert r"\xff&lt;b&gt;call +628" in html
    assert "+628111222333" not in html


def test_a_refresh_without_news_is_empty(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    path = f"/orders/{order.public_id}/"
    with time_machine.travel(timezone.now(), tick=False):  # a second more of age would be news
        etag = client.get(path, headers=HTMX)["ETag"]
        assert client.get(path, headers={**HTMX, "If-None-Match": etag}).status_code == 204
    desk.note(order, "new", actor="user:sari")
    assert client.get(path, headers={**HTMX, "If-None-Match": etag}).status_code == 200


def test_answers_that_were_just_asked_for_stay_until_something_moves(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    path = f"/orders/{order.public_id}/?seen={rows_of(order).seen}"
    kept = '<section id="truths" hx-preserve></section>'
    assert kept in _html(client.get(path, headers=HTMX))
    with transaction.atomic():
        move(lock(order), OrderVerb.CANCEL, actor="user:sari")
    assert kept not in _html(client.get(path, headers=HTMX))


def test_the_timeline_can_show_moves_only_and_be_turned(people: World) -> None:
    order = waiting_order()
    desk.note(order, "a note of mine", actor="user:sari")
    assert "a note of mine" in _page(people, order)
    assert "a note of mine" not in _page(people, order, query="?show=moves")
    turned = _page(people, order, query="?first=oldest")
    assert turned.index("Order placed") < turned.index("a note of mine")


def test_a_tampered_history_is_said_on_the_page(people: World) -> None:
    order = waiting_order()
    assert re.search(r"History intact: \d rows, each signed", _page(people, order))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE orders_history SET actor = 'nobody' WHERE order_id = %s AND seq = 2", [order.pk])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    html = _page(people, order)
    assert "The history of this order was tampered with." in html
    assert "Row 2 was changed after it was written." in html


def test_a_held_order_says_until_when_and_why(people: World) -> None:
    order = old(waiting_order())
    desk.hold(order, until=timezone.now() + timedelta(hours=2), actor="user:sari", reason="bank is asked")
    html = _page(people, order)
    assert "bank is asked" in html
    assert "End the hold" in html


def test_money_says_what_it_comes_to(people: World) -> None:
    html = _page(people, late_order(amount=212_000))
    assert "We hold Rp\u00a0212.000 for an order that is closed." in html


def test_an_imported_order_opens_whatever_its_id(people: World) -> None:
    order = make_order(public_id="2018/10 a&b", origin=Order.Origin.IMPORT, currency="BRL", amount=13_623)
    make_attempt(order, gateway="import")
    html = _page(people, Order(public_id="2018%2F10%20a%26b"))
    assert "BRL\u00a0136,23" in html
    assert "Imported" in html
    assert "An imported order has no gateway to ask." in html


def test_the_panel_is_narrow_and_leads_back_to_its_list(people: World) -> None:
    order = old(waiting_order())
    path = f"/orders/{order.public_id}/peek/?back=/orders/stuck/%3Fservice%3Dtaxi"
    html = _html(people.client("sari").get(path, headers=HTMX))
    assert "Callback lost" in html
    assert 'href="/orders/stuck/?service=taxi" data-close-peek' in html
    assert "<html" not in html


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_panel_leads_nowhere_else(people: World, back: str) -> None:
    html = _html(people.client("sari").get(f"/orders/{waiting_order().public_id}/peek/", {"back": back}, headers=HTMX))
    assert 'href="/" data-close-peek' in html


def test_the_panel_without_a_script_is_the_page(people: World) -> None:
    order = waiting_order()
    answer = people.client("sari").get(f"/orders/{order.public_id}/peek/")
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.public_id}/")


def test_the_page_in_indonesian_has_no_english_left(people: World) -> None:
    html = _page(people, old(late_order(), 90), **{"Accept-Language": "id"})
    for word in ("Ask everybody", "What can be done", "Timeline", "Take it", "Attempts and money", "limit "):
        assert word not in html
    assert "Tanya semua sekarang" in html


@pytest.mark.parametrize(
    ("make", "stage"),
    [(make_order, 1), (waiting_order, 2), (paid_order, 3), (late_order, 2)],
    ids=["1", "2", "3", "late"],
)
def test_the_stage_of_life(db: Any, make: Any, stage: int) -> None:
    assert stage_of(rows_of(fresh(make()))) == stage


def test_every_state_of_an_order_can_be_shown(people: World) -> None:
    order = waiting_order()
    for state in OrderState.values:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE orders_order SET state = %s WHERE id = %s", [state, order.pk])
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        assert 'id="verdict-title"' in _page(people, order)


def test_the_page_costs_a_bounded_number_of_statements(people: World, django_assert_max_num_queries: Any) -> None:
    order, client = old(paid_order(items=("taxi", "rent", "delivery", "shuttle"))), people.client("sari")
    with django_assert_max_num_queries(60):
        client.get(f"/orders/{order.public_id}/")
