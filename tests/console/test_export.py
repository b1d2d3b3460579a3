"""CSV: every row that matches, whole numbers, no formulas, nothing personal, only for who may."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Diagnosis
from tests.console.people import World
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

STUCK = "/orders/stuck/export.csv"
ALL = "/orders/export.csv"


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def stuck(**fields: Any) -> Any:
    return make_order("paid", since=timezone.now() - timedelta(hours=3), **fields)


def table(client: Client, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    assert response.streaming
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_every_row_that_matches_goes_out_not_the_page(sari: Client) -> None:
    bali = [stuck(city="Bali") for _each in range(60)]
    stuck(city="Medan")
    rows = table(sari, f"{STUCK}?city=Bali&view=paid&after=0-0&peek=x")
    assert [row["order_id"] for row in rows] == [order.public_id for order in bali]


def test_a_row_says_what_the_list_says(sari: Client, people: World) -> None:
    order = stuck(amount=1_250_000, city="Bali", owner=people.users["dewi"])
    Diagnosis.objects.create(
        order=order, cause="booking_never_started", confidence=95, next_step="retry_booking", order_version=1
    )
    (row,) = table(sari, STUCK)
    assert row | {"stuck_seconds": "", "stuck_since": ""} == {
        "order_id": order.public_id,
        "priority": "P1",
        "machine": "order",
        "state": "paid",
        "order_state": "paid",
        "stuck_since": "",
        "stuck_seconds": "",
        "amount_idr": "1250000",
        "service": "taxi",
        "city": "Bali",
        "channel": "app",
        "method": "qris",
        "gateway": "",
        "cause": "booking_never_started",
        "next_step": "retry_booking",
        "owner": "dewi",
        "held_until": "",
    }
    assert row["stuck_since"].endswith("Z")
    assert 10_800 <= int(row["stuck_seconds"]) < 10_900


def test_other_currencies_are_minor_units_with_their_code(sari: Client) -> None:
    stuck(amount=1_000, city="Bali")
    stuck(amount=61_62, currency="BRL", city="Medan")
    rows = table(sari, STUCK)
    assert {(row["amount_minor"], row["currency"]) for row in rows} == {("1000", "IDR"), ("6162", "BRL")}
    assert "amount_idr" in table(sari, f"{STUCK}?city=Bali")[0]
    assert "amount_minor" in table(sari, ALL)[0]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(sari: Client, text: str) -> None:
    stuck(city=text)
    assert table(sari, STUCK)[0]["city"] == f"'{text}"
    assert table(sari, ALL)[0]["city"] == f"'{text}"


def test_nothing_personal_goes_out(sari: Client) -> None:
    order = stuck(customer_name="Budi Hartono", customer_phone="+6281234567890", customer_email="budi@example.com")
    make_attempt(order, "paid")
    for address in (STUCK, ALL):
        text = sari.get(address).getvalue().decode()
        assert order.public_id in text
        assert not {secret for secret in ("Budi", "812345", "example.com") if secret in text}


def test_all_orders_go_out_by_the_same_filters_newest_first(sari: Client) -> None:
    older = stuck(service="rent", placed_at=timezone.now() - timedelta(hours=2))
    newer = stuck(service="rent", placed_at=timezone.now())
    stuck()
    rows = table(sari, f"{ALL}?service=rent")
    assert [row["order_id"] for row in rows] == [newer.public_id, older.public_id]
    assert rows[0]["amount_idr"] == "150000"


def test_nothing_matches_is_a_header_alone(sari: Client) -> None:
    response = sari.get(f"{STUCK}?city=Nowhere")
    assert response.getvalue().decode().count("\n") == 1
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="stuck-orders-' in response["Content-Disposition"]


@pytest.mark.parametrize(("who", "may"), [("budi", True), ("agus", True), ("dewi", False), ("admin", False)])
def test_only_who_may_export(people: World, who: str, may: bool) -> None:  # noqa: FBT001 a case
    stuck(city="Bali")
    for address in (STUCK, ALL):
        response = people.client(who).get(address)
        assert response.status_code == (200 if may else 403)
        if not may:
            assert b"Bali" not in response.content
