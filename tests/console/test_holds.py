"""The wait before booking on the page of limits and on the order."""

from datetime import timedelta
from typing import Any

import pytest

from orders.queries.holds import holds_in_force
from tests.console.people import World
from tests.orders.services.test_holds import FIVE, begun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_life(settings: Any) -> None:
    settings.DISPATCH_HOLD = FIVE


@pytest.mark.parametrize("who", ["sari", "admin", "dewi", "budi", "agus"])
def test_who_may_change_it_on_the_page_of_limits(people: World, who: str) -> None:
    client, may = people.client(who), who in ("sari", "admin")
    answer = client.post("/settings/holds/gopay/", {"minutes": "3"}, headers={"HX-Request": "true"})
    assert answer.status_code == (200 if may else 403)
    assert holds_in_force().get("gopay") == (timedelta(minutes=3) if may else None)
    html = client.get("/settings/limits/").content.decode()
    assert "Permata VA" in html
    assert ("/settings/holds/gopay/" in html) == may


def test_the_order_says_until_when_it_waits(people: World) -> None:
    order, _saga = begun("cstore")
    html = people.client("dewi").get(f"/orders/{order.public_id}/").content.decode()
    assert "Paid, the booking waits" in html
