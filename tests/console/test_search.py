"""One box: every kind of thing a person may have in hand, straight to the order where only one is meant."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries

from orders.models import Order
from orders.queries.search import search
from tests.console.people import World
from tests.orders.making import make_attempt, make_order, make_posting, make_refund, make_saga, make_step

pytestmark = pytest.mark.django_db

ROW = re.compile(r'<tr id="row-([^"]+)"')


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


@pytest.fixture
def order() -> Order:
    made = make_order(
        "completed",
        public_id="MRG-48175",
        customer_id="C-20931",
        customer_name="Budi Hartono",
        customer_phone="+6281234567890",
        customer_email="budi@example.com",
    )
    attempt = make_attempt(made, "paid", reference="MRG-48175-1", gateway_reference="mt-90d2d60f")
    make_refund(attempt, "requested", key="rf-48175-x")
    make_step(make_saga(made), partner_reference="BBD-77")
    make_posting(made, "recorded", reference="HO-MRG-48175", ho_reference="2026/11/0042")
    make_order(public_id="MRG-50000", customer_phone="+6281999999999")
    return made


def find(client: Client, text: str) -> Any:
    return client.get(f"/search/?{urlencode({'q': text})}")


@pytest.mark.parametrize(
    "text",
    [
        *("MRG-48175", "mrg-48175", "  48175 ", "MRG-48175-1", "mrg-48175-1", "mt-90d2d60f", "BBD-77", "rf-48175-x"),
        *("HO-MRG-48175", "2026/11/0042", "C-20931", "c-20931", "budi@example.com", "Budi@Example.com"),
        *("+6281234567890", "6281234567890", "081234567890", "0812-3456-7890", "0812 3456 7890"),
    ],
)
def test_what_names_one_order_opens_it(sari: Client, order: Order, text: str) -> None:
    response = find(sari, text)
    assert (response.status_code, response.headers.get("Location")) == (302, f"/orders/{order.public_id}/")


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("text", ["nothing", "MRG-9", "0812345678", "%", "_", "mt-90", "budi", "' OR 1=1 --", "\0"])
def test_what_fits_nothing_says_what_was_searched(sari: Client, text: str) -> None:
    html = find(sari, text).content.decode()
    assert not ROW.findall(html)
    assert ("Nothing fits" in html) is bool(text.strip("\0"))


def test_several_are_listed_with_what_fits(sari: Client) -> None:
    first = make_order(public_id="MRG-1001", customer_phone="+6281234567890")
    second = make_order(public_id="MRG-1002", customer_phone="081234567890")
    make_order(public_id="MRG-1003")
    html = find(sari, "0812 3456 7890").content.decode()
    assert set(ROW.findall(html)) == {first.public_id, second.public_id}
    assert html.count("<small>Phone</small>") == 2


def test_the_beginning_of_an_id_is_enough(sari: Client) -> None:
    for number in (481, 48101, 48102, 5):
        make_order(public_id=f"MRG-{number}")
    make_order(public_id="711b9be9c346d9ecdb9d38a5e1e7e39b")
    assert ROW.findall(find(sari, "MRG-48").content.decode()) == ["MRG-481", "MRG-48101", "MRG-48102"]
    assert ROW.findall(find(sari, "4810").content.decode()) == ["MRG-48101", "MRG-48102"]
    assert find(sari, "MRG-481").headers["Location"] == "/orders/MRG-481/"
    assert ROW.findall(find(sari, "711B9").content.decode()) == ["711b9be9c346d9ecdb9d38a5e1e7e39b"]


def test_personal_data_is_masked_for_who_may_not_see_it(people: World) -> None:
    for number in (1, 2):
        make_order(
            public_id=f"MRG-{number}00",
            customer_phone="+6281234567890",
            customer_email="budi@example.com",
            customer_name="Budi Hartono",
        )
    for who, is_shown in (("dewi", True), ("sari", True), ("agus", False), ("budi", False)):
        client = people.client(who)
        html = find(client, "081234567890").content.decode() + find(client, "budi@example.com").content.decode()
        html = html.replace('value="081234567890"', "").replace('value="budi@example.com"', "")
        html = html.replace("“081234567890”", "").replace("“budi@example.com”", "").replace("081234567890 ·", "")
        html = html.replace("budi@example.com ·", "")
        assert ("+6281234567890" in html) is is_shown
        assert ("budi@example.com" in html) is is_shown
        assert ("Budi Hartono" in html) is is_shown
        assert ("+628••••••" in html) is not is_shown


@pytest.mark.usefixtures("order")
def test_a_search_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert search("MRG-48175")
    with django_assert_num_queries(0):
        assert search("  ") == []


def test_nothing_typed_asks_what_is_wanted(sari: Client) -> None:
    assert "What are you looking for?" in find(sari, " ").content.decode()


def test_who_may_not_see_orders_finds_none(people: World, order: Order) -> None:
    assert find(people.client("tono"), order.public_id).status_code == 403


def test_the_beginning_of_an_id_reads_a_range_of_the_index(order: Order) -> None:
    with CaptureQueriesContext(connection) as asked:
        search("Siti")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "public_id)::text ~>=~" in plan
    assert "~~" not in plan  # LIKE would be a filter over every id
