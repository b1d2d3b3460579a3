"""The desks as CSV: every row that matches, whole numbers, nobody's name or number, only for who may."""

from typing import Any

import pytest

from tests.console.people import World
from tests.console.test_dispatch import waiting
from tests.console.test_export import table
from tests.console.test_link_desk import unpaid
from tests.orders.queries.test_money_queues import AMOUNT, paid

pytestmark = pytest.mark.django_db
DISPATCH, LINKS, MONEY = (f"/orders/{desk}/export.csv" for desk in ("dispatch", "links", "money"))


def test_the_dispatch_queue_goes_out_as_it_is_filtered(people: World) -> None:
    old, new = waiting(90, amount=150_000), waiting(5)
    waiting(city="Medan")
    rows = table(people.client("sari"), f"{DISPATCH}?city=Jakarta&sort=dearest&after=1-1")
    assert [row["order_id"] for row in rows] == [old.order.public_id, new.order.public_id]
    assert (rows[0]["amount_minor"], rows[0]["currency"], rows[0]["state"]) == ("150000", "IDR", "waiting")


def test_links_go_out_by_their_kind(people: World) -> None:
    orders = [unpaid("expired", minutes=minutes, amount=70_000) for minutes in (50, 40)]
    unpaid("open")
    rows = table(people.client("sari"), f"{LINKS}?kind=expired")
    assert [(row["order_id"], row["kind"], row["amount_minor"]) for row in rows] == [
        (order.public_id, "expired", "70000") for order in orders
    ]


def test_money_goes_out_by_its_queue(people: World) -> None:
    order = paid("completed", AMOUNT, AMOUNT)
    [row] = table(people.client("sari"), f"{MONEY}?case=twice")
    assert (row["order_id"], row["case"], row["amount_minor"]) == (order.public_id, "twice", str(AMOUNT))
    assert table(people.client("sari"), f"{MONEY}?case=nonsense") == []


def test_nothing_personal_goes_out_and_only_to_who_may(people: World) -> None:
    waiting()
    unpaid("expired")
    said = "".join(people.client("sari").get(each).getvalue().decode() for each in (DISPATCH, f"{LINKS}?kind=expired"))
    assert "Ani" not in said
    assert "+62" not in said
    refused: Any = [people.client("dewi").get(each).status_code for each in (DISPATCH, LINKS, MONEY)]
    assert refused == [people.client("dewi").get("/orders/export.csv").status_code] * 3
