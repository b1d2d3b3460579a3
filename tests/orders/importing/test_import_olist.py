"""12,751 real orders, when their files are at hand. Nothing of them is kept in this project."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum

from orders.models import History, LedgerEntry, Order
from orders.services.importing import Summary, import_orders, load_mapping
from tests.reconciliation.olist_books import the_books_differ_where_they_really_do

# With commits, as in use: what one transaction has changed eight times over stays in the way of whoever reads it.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.olist]


@pytest.fixture(autouse=True)
def _tidy(transactional_db: None) -> Iterator[None]:
    """No later test of this process goes through the room that a shop's orders took."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE orders_order, orders_history, orders_chainhead, reconciliation_entry CASCADE")
        cursor.execute("RESET session_replication_role")


def take_in(folder: Path) -> Summary:
    return import_orders(
        orders=folder / "orders.csv",
        payments=folder / "payments.csv",
        mapping=load_mapping(),
        currency="BRL",
    )


def expected(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(300)
def test_a_real_shop_comes_in_whole_and_only_once(olist: Path, tmp_path: Path) -> None:
    first = take_in(olist)
    assert (first.new, first.new_payments, len(first.unread)) == (12_751, 13_720, 0)
    assert Counter(Order.objects.values_list("state", flat=True)) == {
        "completed": 9788,
        "active": 1107,
        "cancelled": 625,
        "booking": 615,
        "failed": 609,
        "created": 5,
        "paid": 2,
    }
    assert LedgerEntry.objects.aggregate(total=Sum("amount"))["total"] == 215_595_345
    again = take_in(olist)
    assert (again.new, again.changed, again.unchanged, again.anomalies) == (0, 0, 12_751, 0)
    anomalies_are_on_the_timelines(olist)
    the_right_orders_hang(olist)
    the_books_differ_where_they_really_do(olist, tmp_path)


def anomalies_are_on_the_timelines(folder: Path) -> None:
    wanted = {(row["order_id"], row["anomaly"]) for row in expected(folder, "expected_sequence_anomalies.csv")}
    names = dict(Order.objects.values_list("pk", "public_id"))
    found = {(names[row.order_id], row.detail["kind"]) for row in History.objects.filter(verb="anomaly").iterator()}
    kinds = {kind for _order, kind in wanted}
    assert {(order, kind) for order, kind in found if kind in kinds} == wanted


STATES = {
    "ORDER_CREATED": "created",
    "PAYMENT_CAPTURED": "paid",
    "BOOKING_REQUESTED": "booking",
    "DISPATCHED": "active",
}


def the_right_orders_hang(folder: Path) -> None:
    out = StringIO()
    call_command("stuck", "--as-of=2018-10-17T17:30:18Z", "--json", stdout=out)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(found) == 1729
    assert {(line["order_id"], line["state"], line["since"]) for line in found} == {
        (row["order_id"], STATES[row["status"]], f"{row['last_event_at']}Z")
        for row in expected(folder, "expected_stuck.csv")
    }
    assert all(line["cause"].startswith("import_") and line["next_step"] for line in found)
    assert {line["currency"] for line in found} == {"BRL"}
