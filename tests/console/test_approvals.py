"""The page of approvals: a second person looks and decides, and is never the proposer."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from orders.models import OperatorAction, Order
from tests.console.order_world import asked, late_order
from tests.console.people import World
from tests.orders.making import make_refund

HTMX = {"HX-Request": "true"}
CLOSED_PORT = "http://127.0.0.1:9"
LARGE = 6_000_000


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    settings.UPSTREAMS = {name: {"url": CLOSED_PORT, "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS}


def _toast(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


def _proposed(people: World, who: str = "sari") -> OperatorAction:
    order = late_order(amount=LARGE)
    given = asked(order, amount=LARGE, typed="6.000.000")
    people.client(who).post(f"/orders/{order.public_id}/do/refund/", given, headers=HTMX)
    return OperatorAction.objects.get()


def _decide(people: World, action: OperatorAction, who: str, decision: str, reason: str = "") -> HttpResponse:
    given = {"decision": decision, "reason": reason}
    return people.client(who).post(f"/approvals/action/{action.pk}/", given, headers=HTMX)


def test_the_page_of_approvals_says_what_waits_and_how_long(people: World) -> None:
    action = _proposed(people)
    html = people.client("budi").get("/approvals/").content.decode()
    assert action.order.public_id in html
    assert "Rp\u00a06.000.000" in html
    assert "Sari Wulandari" in html
    assert "4m" in html
    dialog = people.client("budi").get(f"/approvals/action/{action.pk}/", headers=HTMX).content.decode()
    assert "goes back to the customer through Midtrans" in dialog


def test_a_refund_that_a_closed_order_owes_has_no_time_limit(people: World) -> None:
    refund, client = make_refund(late_order(amount=LARGE).attempts.get()), people.client("budi")
    assert "no limit" in client.get("/approvals/").content.decode()
    assert "has to approve it within" not in client.get(f"/approvals/refund/{refund.pk}/").content.decode()


def test_a_second_person_lets_it_go(people: World) -> None:
    action = _proposed(people)
    assert _toast(_decide(people, action, "budi", "approve")).startswith("Approved")
    action.refresh_from_db()
    assert (action.status, action.approver) == ("queued", "user:budi")
    assert "Nothing waits for a second person" in people.client("budi").get("/approvals/").content.decode()


def test_the_page_of_one_is_left_when_it_is_decided(people: World) -> None:
    """Opened by its address there is no list behind it that a dialog could go back to: the form leads there itself."""
    action = _proposed(people)
    address = f"/approvals/action/{action.pk}/"
    assert f'hx-post="{address}"' in people.client("budi").get(address, headers=HTMX).content.decode()
    assert f'hx-post="{address}"' not in people.client("budi").get(address).content.decode()
    answer = people.client("budi").post(address, {"decision": "approve", "reason": ""})
    assert (answer.status_code, answer["Location"]) == (302, "/approvals/")


def test_the_proposer_is_never_the_second_person(people: World) -> None:
    action = _proposed(people, "budi")
    assert "You proposed it" in people.client("budi").get("/approvals/").content.decode()
    assert "cannot approve" in _toast(_decide(people, action, "budi", "approve"))
    action.refresh_from_db()
    assert (action.status, action.approver) == ("awaiting_approval", "")


@pytest.mark.parametrize("who", ["sari", "dewi", "agus", "admin", "tono"])
def test_nobody_else_decides(people: World, who: str) -> None:
    action = _proposed(people)
    assert _decide(people, action, who, "approve").status_code == 403
    answer = people.client(who).get("/approvals/")
    assert answer.status_code == (200 if who == "sari" else 403)  # on-call approves plans, and sees no refunds here
    assert ("shown to Finance only" in answer.content.decode()) == (who == "sari")
    assert "Nothing waits for a second person" not in answer.content.decode()
    assert action.order.public_id not in answer.content.decode()
    action.refresh_from_db()
    assert action.status == "awaiting_approval"


def test_a_no_needs_a_reason(people: World) -> None:
    action = _proposed(people)
    assert "reason" in _toast(_decide(people, action, "budi", "reject")).lower()
    assert _toast(_decide(people, action, "budi", "reject", "was driven")) == "Rejected. Nothing was done."
    action.refresh_from_db()
    assert (action.status, action.outcome) == ("refused", "was driven")


def test_too_late_is_said_and_nothing_is_done(people: World) -> None:
    action = _proposed(people)
    OperatorAction.objects.update(approve_by=timezone.now())
    assert "time to approve it is over" in _toast(_decide(people, action, "budi", "approve"))
    action.refresh_from_db()
    assert action.status == "awaiting_approval"


def test_an_order_that_moved_on_is_said_and_nothing_is_done(people: World) -> None:
    action = _proposed(people)
    Order.objects.update(version=77)
    assert "The order changed since" in people.client("budi").get(f"/approvals/action/{action.pk}/").content.decode()
    assert "changed since this was proposed" in _toast(_decide(people, action, "budi", "approve"))
    action.refresh_from_db()
    assert action.status == "awaiting_approval"
