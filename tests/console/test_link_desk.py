"""The payment-link desk: which orders nobody can pay, one link at a time, sent by the way somebody chose."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.frame import ALERTS
from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, OperatorAction, Order
from orders.services import work
from orders.states import AttemptVerb
from orders.transitions import move
from tests.console.people import World
from tests.orders.flow import PHONE, pay, place
from tests.orders.making import make_attempt, make_order
from tests.sandbox_fixtures import *  # noqa: F403
from tests.sandbox_fixtures import Receiver

pytestmark = pytest.mark.django_db

DESK = "/orders/links/"
HTMX = {"HX-Request": "true"}
ROW = re.compile(r'<tr id="row-([^"]+)"')


@pytest.fixture
def dewi(people: World) -> Client:
    return people.client("dewi")


def unpaid(attempt: str = "requested", *, minutes: float = 5, state: str = "", **fields: Any) -> Order:
    """An order with one attempt in that state; `awaiting_payment` once a link was open."""
    had_link = attempt in ("open", "expired", "declined", "cancelled", "mismatch")
    at = timezone.now() - timedelta(minutes=minutes)
    order = make_order(state or ("awaiting_payment" if had_link else "created"), since=at, placed_at=at, **fields)
    link = "https://pay.example/1" if attempt == "open" else ""
    if attempt:
        make_attempt(order, attempt, link_url=link)
    return order


def page(client: Client, query: str = "") -> str:
    response = client.get(f"{DESK}{query}")
    assert response.status_code == 200
    return response.content.decode()


def codes(html: str) -> list[str]:
    return ROW.findall(html)


def test_the_link_that_can_still_be_paid_decides_and_not_a_later_one_that_cannot(dewi: Client) -> None:
    """A second link was refused; the customer still has the first."""
    order = unpaid("open")
    make_attempt(order, "declined", number=2)
    assert codes(page(dewi)) == []
    assert codes(page(dewi, "?kind=open")) == [order.public_id]


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        ("", "missing"),
        ("requested", "missing"),
        ("not_started", "missing"),
        ("unknown", "unanswered"),
        ("open", "open"),
        ("expired", "expired"),
        ("declined", "expired"),
        ("cancelled", "expired"),
        ("mismatch", "unfit"),
    ],
)
def test_the_last_attempt_says_what_is_missing(dewi: Client, attempt: str, kind: str) -> None:
    order = unpaid(attempt)
    for each in ("missing", "unanswered", "expired", "open", "unfit"):
        assert codes(page(dewi, f"?kind={each}")) == ([order.public_id] if each == kind else [])


@pytest.mark.parametrize("state", ["paid", "active", "completed", "cancelled", "expired", "failed"])
def test_only_orders_that_could_be_paid_are_there(dewi: Client, state: str) -> None:
    unpaid("", state=state)
    unpaid("", minutes=0)
    unpaid("", origin="import")
    assert codes(page(dewi)) == []


def test_pages_go_on_from_a_place_and_filters_stand_in_the_address(dewi: Client) -> None:
    made = [unpaid(minutes=100 - number, city="Bali" if number % 2 else "Medan").public_id for number in range(60)]
    first = page(dewi)
    assert codes(first) == made[:50]
    assert "50 of 60" in first
    after = re.search(r'href="/orders/links/(\?[^"]+)" rel="next"', first)
    assert after
    assert codes(page(dewi, after[1].replace("&amp;", "&"))) == made[50:]
    assert codes(page(dewi, "?city=Bali")) == made[1::2]
    assert codes(page(dewi, "?method=gopay")) == []
    assert codes(page(dewi, "?after=x&kind=z")) == made[:50]


def test_the_list_costs_a_fixed_number_of_queries(
    dewi: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kept, ALERTS.sources[:] = list(ALERTS.sources), []
    for _each in range(55):
        unpaid()
    page(dewi)
    # Session, person, rights; the read's transaction (2) and its bounds; the rows and the counts.
    with django_assert_num_queries(8):
        page(dewi)
    ALERTS.sources[:] = kept


def test_an_order_without_a_link_says_whether_a_new_one_is_safe(dewi: Client) -> None:
    safe = dewi.get(f"/orders/{unpaid('expired').public_id}/link/").content.decode()
    assert "No other attempt can be paid, so a new link is safe." in safe
    perhaps = dewi.get(f"/orders/{unpaid('unknown').public_id}/link/").content.decode()
    assert "It is closed for certain before a new link is made." in perhaps


def test_the_order_and_its_desk_are_one_key_from_each_other(dewi: Client) -> None:
    order = unpaid("open")
    assert (
        f'data-key="l" href="/orders/{order.public_id}/link/"'
        in dewi.get(f"/orders/{order.public_id}/").content.decode()
    )
    html = dewi.get(f"/orders/{order.public_id}/link/").content.decode()
    assert f'data-key="o" href="/orders/{order.public_id}/"' in html


@pytest.mark.parametrize("who", ["sari", "dewi", "budi", "agus", "admin"])
def test_who_may_make_and_send_links(people: World, who: str) -> None:
    order, may = unpaid("open", customer_phone=PHONE), who in ("sari", "dewi")
    given = {"key": "k", "version": order.version, "channel": "sms"}
    answer = people.client(who).post(f"/orders/{order.public_id}/do/send_link/", given, headers=HTMX)
    assert answer.status_code == (200 if may else 403)
    assert OperatorAction.objects.count() == may


@pytest.mark.parametrize("channel", ["", "pigeon"])
def test_a_link_goes_by_no_other_way(dewi: Client, channel: str) -> None:
    order = unpaid("open", customer_phone=PHONE)
    given = {"key": "k", "version": order.version, "channel": channel}
    assert dewi.post(f"/orders/{order.public_id}/do/send_link/", given, headers=HTMX).status_code == 422
    assert OperatorAction.objects.count() == 0


def test_without_an_address_there_is_no_such_way(dewi: Client) -> None:
    order = unpaid("open")
    given = {"key": "k", "version": order.version, "channel": "email"}
    answer = dewi.post(f"/orders/{order.public_id}/do/send_link/", given, headers=HTMX)
    assert "no address" in json.loads(answer["HX-Trigger"])["toast"]["text"]
    assert OperatorAction.objects.count() == 0


@pytest.mark.usefixtures("neighbours")
def test_a_link_is_made_sent_and_seen_being_paid(dewi: Client, control: RemoteSandbox, receiver: Receiver) -> None:
    order = place("card")
    path = f"/orders/{order.public_id}/link/"
    html = dewi.get(path).content.decode()
    assert 'class="qr"' in html
    form = re.search(r'do/send_link/\?channel=whatsapp"[^>]*>.*?name="key" value="(\w+)"', html, re.DOTALL)
    assert form
    given = {"key": form[1], "version": order.version, "channel": "whatsapp"}
    for _click in range(2):
        dewi.post(f"/orders/{order.public_id}/do/send_link/", given, headers=HTMX)
    assert work.drain("action") == 1
    sent = control.books("notification")["messages"]
    assert [(each["channel"], each["to"]) for each in sent] == [("whatsapp", PHONE)]
    assert sent[0]["text"].endswith(order.attempts.get().link_url)
    assert "sent by WhatsApp through WhatsApp" in dewi.get(path).content.decode()
    pay(order, control, receiver)
    assert "The money is here." in dewi.get(path).content.decode()


@pytest.mark.usefixtures("neighbours")
def test_a_message_that_whatsapp_does_not_take_goes_by_sms(dewi: Client, control: RemoteSandbox) -> None:
    order = place("card")
    control.plan("whatsapp", {"on": "send", "do": "reject", "neighbour": "notification"})
    given = {"key": "k", "version": order.version, "channel": "whatsapp"}
    dewi.post(f"/orders/{order.public_id}/do/send_link/", given, headers=HTMX)
    work.drain("action")
    assert OperatorAction.objects.get().outcome == "sent by sms through twilio"


def test_a_refresh_moves_no_row_leaves_what_was_paid_and_counts_what_is_new(dewi: Client) -> None:
    first, second = unpaid("unknown", minutes=9), unpaid("unknown", minutes=5)
    address = f"{DESK}?kind=unanswered"
    Attempt.objects.filter(order=first).update(due_at=timezone.now())
    with transaction.atomic():
        move(Attempt.objects.get(order=first), AttemptVerb.OPEN, actor="midtrans")
    new = unpaid("unknown", minutes=3)
    html = dewi.get(f"{address}&pins={first.pk}.{second.pk}", headers=HTMX).content.decode()
    assert codes(html) == [first.public_id, second.public_id]
    assert re.search(rf'<tr id="row-{first.public_id}" data-row class="is-free">', html)
    assert f'<tr id="row-{second.public_id}" data-row>' in html
    assert ">1 new</a>" in html
    assert codes(dewi.get(address).content.decode()) == [second.public_id, new.public_id]


def test_a_panel_is_in_the_address_and_closing_it_leads_back_to_the_same_list(dewi: Client) -> None:
    order = unpaid("unknown")
    html = page(dewi, f"?kind=unanswered&peek={order.public_id}")
    assert f'hx-get="/orders/{order.public_id}/link/peek/?back=%2Forders%2Flinks%2F%3Fkind%3Dunanswered"' in html
    panel = dewi.get(f"/orders/{order.public_id}/link/peek/?back=/orders/links/%3Fkind%3Dunanswered", headers=HTMX)
    assert 'href="/orders/links/?kind=unanswered" data-close-peek' in panel.content.decode()
