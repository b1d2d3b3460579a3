"""The page of an order that an open incident affects: what to tell the customer, and when more is known."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import Order
from runbooks.models import Incident
from runbooks.services.incidents import cohort, leading
from runbooks.services.incidents.leading import By
from tests.console.people import World
from tests.console.test_incidents import opened
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

SARI = "user:sari"


def affected(state: str = "paid") -> tuple[Incident, Order]:
    incident, order = opened(), make_order(state, since=timezone.now() - timedelta(hours=2))
    make_attempt(order, "paid" if state == "paid" else "open")
    cohort.pin_orders(incident, [order.pk], actor=SARI)
    return incident, order


def page(people: World, order: Order, who: str = "dewi", where: str = "") -> str:
    return people.client(who).get(f"/orders/{order.public_id}/{where}").content.decode()


def test_it_says_in_two_languages_what_to_tell_and_when_more_is_known(people: World) -> None:
    incident, order = affected()
    shown = page(people, order)
    assert "Your payment is safe with us. We will tell you as soon as we know more." in shown
    assert "Nobody has promised the next message yet" in shown
    assert f'href="/incidents/{incident.code}/"' in shown
    due = timezone.now() + timedelta(minutes=30)
    Incident.objects.update(update_due_at=due)
    clock = f"{due + timedelta(hours=7):%H:%M} WIB"
    shown = page(people, order)
    assert f"We will know more by {clock}." in shown
    assert 'id="told-id" lang="id"' in shown
    assert 'data-copy-from="#told-id"' in shown
    assert shown.count(clock) == 2
    peek = people.client("sari").get(f"/orders/{order.public_id}/peek/", headers={"HX-Request": "true"})
    assert "Part of a disturbance" in peek.content.decode()


def test_a_late_promise_is_never_repeated_to_a_customer(people: World) -> None:
    _incident, order = affected()
    Incident.objects.update(update_due_at=timezone.now() - timedelta(minutes=1))
    shown = page(people, order)
    assert "The promised message is late" in shown
    assert "We will know more by" not in shown


def test_who_has_not_paid_is_asked_not_to_pay_twice(people: World) -> None:
    _incident, order = affected("awaiting_payment")
    assert "Please do not pay a second time." in page(people, order)


def test_it_goes_with_the_incident_and_calms_down_with_the_order(people: World) -> None:
    incident, order = affected()
    Order.objects.filter(pk=order.pk).update(entered_at=timezone.now())
    assert "It goes on normally now." in page(people, order)
    other = make_order("paid")
    assert "disturbance" not in page(people, other)
    leading.dismiss(incident, By(actor=SARI, reason="a drill"))
    assert "disturbance" not in page(people, order)
