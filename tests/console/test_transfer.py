"""Recording a transfer by hand on the screen: the form, what it refuses, the second person, and what is said after."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.console.formats import WIB, money
from orders.models import OperatorAction, Order
from orders.services import work
from orders.states import RefundState
from tests.console.order_world import asked, refused_order, transfer_of
from tests.console.people import World
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    settings.UPSTREAMS = {
        name: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS
    }


def _path(order: Order) -> str:
    return f"/orders/{order.public_id}/do/record_transfer/"


def _html(people: World, who: str, path: str) -> str:
    return people.client(who).get(path, headers=HTMX).content.decode()


def _wib(**after: float) -> str:
    return f"{timezone.now().astimezone(WIB) + timedelta(**after):%Y-%m-%dT%H:%M}"


def test_the_form_names_every_refund_that_failed_and_always_asks_for_a_second_person(people: World) -> None:
    order = refused_order()
    make_refund(order.attempts.get(), "failed", amount=1_000)
    html = _html(people, "budi", _path(order))
    assert re.findall(r'name="refund" value="([^"]+)"', html) == [each.key for each in order.refunds.order_by("pk")]
    assert html.count(" checked>") == 1
    assert "BCA VA, Midtrans" in html
    assert "Request approval" in html


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("reference", lambda: "sent", "at least one of them a digit"),
        ("transferred_at", lambda: _wib(minutes=5), "in the future"),
        ("transferred_at", lambda: _wib(days=-1), "asked for only after that time"),
        ("transferred_at", lambda: "yesterday", "When the money was transferred is needed."),
        ("refund", lambda: "rf-none", "There is no such refund."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    people: World, field: str, given: Any, said: str
) -> None:
    order = refused_order()
    typed = asked(order, **transfer_of(order, **{field: given()}))
    answer = people.client("budi").post(_path(order), typed, headers=HTMX)
    html = answer.content.decode()
    assert (answer.status_code, said in html, not OperatorAction.objects.exists()) == (422, True, True)
    assert field == "reference" or f'value="{typed["reference"]}"' in html


def test_budi_records_it_and_ratna_reads_exactly_what_she_approves(people: World) -> None:
    order = refused_order()
    refund = order.refunds.get()
    people.client("budi").post(_path(order), asked(order, **transfer_of(order, reference="trf 77")), headers=HTMX)
    action = OperatorAction.objects.get()
    address = f"/approvals/action/{action.pk}/"
    assert "You proposed it: somebody else decides." in _html(people, "budi", address)
    dialog = _html(people, "ratna", address).replace("&#x27;", "'")
    sum_ = money(refund.amount)
    for told in (refund.key, sum_, "BCA VA", "TRF77", "WIB", "Look at the bank's statement"):
        assert told in dialog
    people.client("ratna").post(address, {"decision": "approve"}, headers=HTMX)
    work.drain("action")
    refund.refresh_from_db()
    assert (refund.state, refund.bank_reference) == (RefundState.SUCCEEDED, "TRF77")
    page = _html(people, "dewi", f"/orders/{order.public_id}/").replace("&#x27;", "'")
    assert f"We have transferred {sum_} to your bank account. The bank's reference is TRF77." in page
    assert "Bank transfer by hand" in page
    assert "record_transfer/" not in page


def test_of_a_ride_that_was_driven_and_given_back_the_customer_hears_of_the_transfer_too(people: World) -> None:
    order = make_order("completed", amount=70_000)
    make_refund(make_attempt(order, "paid"), "succeeded", bank_reference="TRF1", transferred_at=timezone.now())
    make_posting(order, "recorded")
    page = _html(people, "dewi", f"/orders/{order.public_id}/").replace("&#x27;", "'")
    assert f"We have transferred {money(70_000)} to your bank account." in page


def test_while_it_waits_the_order_names_it_as_the_next_step_and_lets_nobody_refund_as_well(people: World) -> None:
    order = refused_order()
    page = _html(people, "budi", f"/orders/{order.public_id}/")
    assert "Waits for a transfer by hand" in page
    assert 'data-kind="primary" data-key="r" href="' + _path(order) in page
    told = _html(people, "dewi", f"/orders/{order.public_id}/")
    assert "our finance team transfers it to your bank" in told
    assert "Transfer it by hand, then record it" in told
    assert "Your role may not. These may: Finance." in told
    people.client("budi").post(_path(order), asked(order, **transfer_of(order)), headers=HTMX)
    waiting = _html(people, "budi", f"/orders/{order.public_id}/")
    assert ("It waits for the approval of a second person." in waiting, _path(order) in waiting) == (True, False)
    assert "cannot give this money back" in _html(people, "budi", f"/orders/{order.public_id}/do/refund/")


def test_the_report_of_refunds_owed_says_which_wait_for_a_transfer(people: World) -> None:
    order = refused_order()
    make_refund(order.attempts.get(), "requested", amount=1_000)
    address = "/reconciliation/reports/refunds-owed"
    rows = b"".join(people.client("budi").get(f"{address}.csv").streaming_content).decode()
    assert [line.split(",")[4] for line in rows.splitlines()] == ["waits_for", "transfer", "approval"]
    narrowed = people.client("budi").get(f"{address}/", {"waits_for": "transfer"}).content.decode()
    assert (narrowed.count(order.public_id), "<td>A transfer by hand</td>" in narrowed) == (2, True)
