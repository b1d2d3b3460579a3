"""From the orders of an incident that still hang to a plan: of those that somebody chose, never of all by default."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import Diagnosis, Order
from runbooks.incident_states import Severity
from runbooks.models import Incident, Plan
from runbooks.services.incidents import opening
from tests.console.people import World
from tests.orders.making import make_order
from tests.runbooks.test_board import hurt

pytestmark = pytest.mark.django_db


def diagnosed(cause: str, next_step: str, *, amount: int = 150_000) -> Order:
    """Paid two hours ago, and not booked since."""
    order = make_order("paid", since=timezone.now() - timedelta(hours=2), amount=amount)
    given = {"confidence": 90, "order_version": order.version}
    Diagnosis.objects.create(order=order, cause=cause, next_step=next_step, **given)
    return order


def opened(orders: list[Order]) -> Incident:
    incident = opening.open_by_hand(
        title="They hang", service="tpg", failure="down", severity=Severity.P0, actor="user:sari", reason="seen"
    )
    hurt(incident, orders)
    return incident


def test_a_repair_is_of_the_orders_of_the_cause_that_was_chosen(people: World) -> None:
    lost = diagnosed("booking_worker_died", "retry_booking")
    paid = [diagnosed("callback_lost", "recheck_payment", amount=200_000) for _each in range(2)]
    incident = opened([lost, *paid])
    address, client = f"/incidents/{incident.code}/repair/", people.client("sari")
    page = client.get(address).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert " checked" not in page, "what hangs is not chosen for anybody"
    for told in ("<b>2 orders,", "Rp 400.000", "<b>1 order,", "Rp 150.000", "<b>3 orders,", "Rp 550.000"):
        assert told in page

    refused = client.post(address, {"action": "recheck_payment@1"})
    assert (refused.status_code, Plan.objects.count()) == (422, 0)
    assert "Choose which orders" in refused.content.decode()

    client.post(address, {"action": "recheck_payment@1", "cause": "callback_lost"})
    plan = Plan.objects.get()
    assert {row.order for row in plan.rows.all()} == set(paid)
    assert "orders of an incident" in client.get(f"/runbooks/plans/{plan.code}/").content.decode()
    client.post(address, {"action": "recheck_payment@1", "cause": "all"})
    assert Plan.objects.latest("pk").rows.count() == 3
    assert client.post(address, {"action": "recheck_payment@1", "cause": "no_such"}).status_code == 422


def test_one_cause_alone_is_chosen_and_what_nobody_has_diagnosed_is_named(people: World) -> None:
    incident = opened([make_order("paid", since=timezone.now() - timedelta(hours=2))])
    page = people.client("sari").get(f"/incidents/{incident.code}/repair/").content.decode()
    assert 'value="undiagnosed" required checked' in page
    assert "Not diagnosed yet" in page
    assert 'value="all"' not in page
